package dev.peft4j.core.train;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.data.Batch;
import dev.peft4j.core.data.Measure;
import dev.peft4j.core.layer.Head;
import dev.peft4j.core.layer.LossFunction;
import dev.peft4j.core.model.Loss;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.tensor.Arena;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The loss of the model's head, or another function of its logits; evaluations always use the head's own.
 *
 * @param name of the function
 * @param loss null for that of the head
 */
record HeadObjective(String name, @Nullable LossFunction loss) implements Objective {
    static final HeadObjective DEFAULT = new HeadObjective("of the head", null);

    @Override
    public int scored(Model model, Batch batch, List<Adapter> adapters) {
        return model.scored(batch, adapters);
    }

    @Override
    public Measure measure(Model model) {
        return model.head().measure();
    }

    @Override
    public Prepared prepare(Model model, Batch batch, List<Adapter> adapters, List<Adapter> reference, Arena arena) {
        Head head = model.head();
        return new Prepared() {
            @Override
            public Loss loss(Call call, double scale) {
                return model.loss(call, batch, scale, loss == null ? head.loss() : loss);
            }

            @Override
            public Judged judge(Call call) {
                long[] counts = {0, 0}; // right, and judged
                Loss sum = model.loss(call, batch, 1, (pass, logits, targets, scale) -> {
                    counts[0] += head.right(pass.backend(), logits.value(), targets);
                    counts[1] += head.judged(targets);
                    return head.loss().forward(pass, logits, targets, scale);
                });
                return new Judged(sum, counts[0], counts[1]);
            }
        };
    }
}
