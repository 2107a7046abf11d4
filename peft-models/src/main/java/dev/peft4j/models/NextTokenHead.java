package dev.peft4j.models;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.data.Layout;
import dev.peft4j.core.data.Measure;
import dev.peft4j.core.data.Targets;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.layer.Functions;
import dev.peft4j.core.layer.Head;
import dev.peft4j.core.layer.Linear;
import dev.peft4j.core.layer.LossFunction;
import dev.peft4j.core.layer.Losses;
import dev.peft4j.core.site.TaskType;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The head of a language model: each row predicts the next token of its sequence.
 *
 * @param output (V, C)
 * @param softCap logits are {@code cap · tanh(logit / cap)}; 0 for none
 */
public record NextTokenHead(Linear output, double softCap) implements Head {
    /** Without a cap. */
    public NextTokenHead(Linear output) {
        this(output, 0);
    }

    @Override
    public TaskType task() {
        return TaskType.CAUSAL_LM;
    }

    @Override
    public int outputs() {
        return output.site().out();
    }

    @Override
    public int @Nullable [] rows(Layout layout) {
        return null;
    }

    @Override
    public Node logits(Call call, Node hidden) {
        return Functions.softCap(call.pass(), softCap, output.forward(call, hidden));
    }

    /** Rows that predict a token; the last one of a sequence that predicts none, so that its adapters have a row. */
    @Override
    public Scored scored(Layout layout) {
        if (!(layout.batch().targets() instanceof Targets.PerToken labels)) {
            throw new BadInputException("a language model is compared with a label of each token, and the batch has "
                    + layout.batch().targets().kind() + ". Give a label with each token.");
        }
        int[] starts = layout.starts();
        int[] next = new int[starts[layout.size()]];
        IntStream.Builder rows = IntStream.builder();
        int count = 0;
        for (int s = 0; s < layout.size(); s++) {
            int last = starts[s + 1] - 1;
            int before = count;
            for (int r = starts[s]; r < last; r++) {
                next[r] = labels.labels()[r + 1];
                if (next[r] != Targets.IGNORE) {
                    rows.add(r);
                    count++;
                }
            }
            next[last] = Targets.IGNORE;
            if (count == before) {
                rows.add(last);
            }
        }
        int[] read = rows.build().toArray();
        int[] targets = Arrays.stream(read).map(r -> next[r]).toArray();
        return new Scored(read, new Targets.Classes(targets), count);
    }

    @Override
    public LossFunction loss() {
        return Losses::crossEntropy;
    }

    @Override
    public Measure measure() {
        return Measure.PERPLEXITY;
    }
}
