package dev.peft4j.models;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.adapter.TaskType;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.layer.CrossEntropy;
import dev.peft4j.core.layer.Linear;
import dev.peft4j.core.model.Loss;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.model.PackedBatch;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** A decoder that predicts the next token. */
public interface CausalModel extends Model {
    /** Layers, key heads times head size: what a cache has to hold. */
    KeyValueCache newCache(int sequences, int capacity);

    /**
     * The last hidden states (T, C), after the final norm.
     *
     * @param cache keys and values of earlier tokens, which the new ones are added to; null to start at the first token
     */
    default Node hidden(Call call, PackedBatch batch, @Nullable KeyValueCache cache) {
        return hidden(call, batch, cache, null);
    }

    /**
     * The last hidden states of some rows (rows, C): what comes behind attention in the last layer is computed for these alone.
     *
     * @param cache as above
     * @param rows numbers of the rows in rising order, counted with those that adapters put in front of sequences; null for all
     */
    Node hidden(Call call, PackedBatch batch, @Nullable KeyValueCache cache, int @Nullable [] rows);

    /** The output layer: (T, C) to (T, V). */
    Linear head();

    /**
     * Tokens that end a text: those of {@code generation_config.json} or {@code config.json}, and that of the tokenizer. None for a model that was not read from
     * a directory.
     */
    Set<Integer> endTokens();

    @Override
    default Node logits(Call call, PackedBatch batch) {
        Call rows = call.overTokens(batch.withRowsOf(call).lengths());
        return head().forward(rows, hidden(call, batch, null));
    }

    @Override
    default Loss loss(Call call, PackedBatch batch, double scale) {
        PackedBatch all = batch.withRowsOf(call);
        int[] targets = all.nextTokens();
        int[] rows = read(all, targets);
        Node hidden = hidden(call, batch, null, rows);
        Call over = call.overTokens(all.lengths()).overRows(rows);
        int[] chosen = Arrays.stream(rows).map(r -> targets[r]).toArray();
        double sum =
                CrossEntropy.forward(over, hidden, chosen, vocabularySize(), scale, (c, x) -> head().forward(c, x));
        return new Loss(sum, count(targets));
    }

    /** Rows that predict a token; the last one of a sequence that predicts none, so that its adapters have a row. */
    private static int[] read(PackedBatch batch, int[] targets) {
        IntStream.Builder rows = IntStream.builder();
        for (int s = 0; s < batch.sequences(); s++) {
            int end = batch.start(s) + batch.length(s);
            boolean any = false;
            for (int r = batch.start(s); r < end; r++) {
                if (targets[r] != CrossEntropy.IGNORE || (r == end - 1 && !any)) {
                    rows.add(r);
                    any = true;
                }
            }
        }
        return rows.build().toArray();
    }

    @Override
    default int scored(Call call, PackedBatch batch) {
        return count(batch.withRowsOf(call).nextTokens());
    }

    @Override
    default int scored(PackedBatch batch, List<Adapter> adapters) {
        int inFront = adapters.stream().mapToInt(Adapter::inputRowCount).sum();
        if (inFront == 0) {
            return count(batch.nextTokens());
        }
        int[] rows = new int[batch.sequences()];
        Arrays.fill(rows, inFront);
        return count(batch.withRowsInFront(rows).nextTokens());
    }

    private static int count(int[] targets) {
        int n = 0;
        for (int t : targets) {
            n += t == CrossEntropy.IGNORE ? 0 : 1;
        }
        return n;
    }

    @Override
    default Tensor keysAndValues(int... tokens) {
        try (KeyValueCache cache = newCache(1, tokens.length);
                Arena arena = new Arena(backend().dtype());
                Pass pass = Pass.inference(backend(), arena)) {
            hidden(Call.of(pass), PackedBatch.of(tokens), cache);
            return cache.sideBySide(0);
        }
    }

    @Override
    default TaskType taskType() {
        return TaskType.CAUSAL_LM;
    }

    /** The output layer if it is new, since its random values would be lost with the run. */
    @Override
    default List<String> taskModules() {
        return newModules();
    }
}
