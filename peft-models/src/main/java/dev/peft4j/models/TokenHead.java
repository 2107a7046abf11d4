package dev.peft4j.models;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.data.Layout;
import dev.peft4j.core.data.Measure;
import dev.peft4j.core.data.Targets;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.layer.Head;
import dev.peft4j.core.layer.LossFunction;
import dev.peft4j.core.layer.Losses;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Tensor;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** A head that predicts something of each token: its class, or which token was hidden there. */
final class TokenHead implements Head {
    private final HeadLayers layers;
    private final TaskType task;

    /** Of {@link TaskType#TOKEN_CLS} or {@link TaskType#MASKED_LM}. */
    TokenHead(HeadLayers layers, TaskType task) {
        this.layers = layers;
        this.task = task;
    }

    @Override
    public TaskType task() {
        return task;
    }

    @Override
    public int outputs() {
        return layers.outputs();
    }

    @Override
    public int @Nullable [] rows(Layout layout) {
        return null;
    }

    @Override
    public @Nullable Head behind(String layer) {
        HeadLayers rest = layers.from(layer);
        return rest == null ? null : new TokenHead(rest, task);
    }

    @Override
    public Node logits(Call call, Node hidden) {
        return layers.logits(call, hidden);
    }

    /** The tokens that have a label; the first one of a sequence that has none, so that its adapters have a row. */
    @Override
    public Scored scored(Layout layout) {
        if (!(layout.batch().targets() instanceof Targets.PerToken given)) {
            throw new BadInputException("this model is compared with a label of each token, and the batch has "
                    + layout.batch().targets().kind() + ". Give a label with each token.");
        }
        int[] labels = given.labels();
        IntStream.Builder rows = IntStream.builder();
        int count = 0;
        for (int s = 0; s < layout.size(); s++) {
            int before = count;
            for (int r = layout.starts()[s]; r < layout.starts()[s + 1]; r++) {
                if (labels[r] != Targets.IGNORE) {
                    rows.add(r);
                    count++;
                }
            }
            if (count == before) {
                rows.add(layout.starts()[s]);
            }
        }
        int[] read = rows.build().toArray();
        return new Scored(
                read,
                new Targets.Classes(Arrays.stream(read).map(r -> labels[r]).toArray()),
                count);
    }

    @Override
    public LossFunction loss() {
        return Losses::crossEntropy;
    }

    @Override
    public Measure measure() {
        return task == TaskType.MASKED_LM ? Measure.PERPLEXITY : Measure.ACCURACY;
    }

    @Override
    public long right(Backend backend, Tensor logits, Targets targets) {
        return targets instanceof Targets.Classes classes ? Predictions.right(backend, logits, classes.classes()) : 0;
    }

    @Override
    public long judged(Targets targets) {
        return targets instanceof Targets.Classes classes ? Predictions.judged(classes.classes()) : 0;
    }
}
