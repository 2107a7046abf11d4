package dev.peft4j.models;

import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.error.WrongUseException;
import dev.peft4j.core.tensor.AttentionShape;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.Tensor;
import java.util.Arrays;

/** Keys and values of the tokens that a model has seen, so that the next token costs one row. The caller closes it. */
public final class KeyValueCache implements AutoCloseable {
    private final int capacity;
    private final Tensor[] keys; // per layer (sequences · capacity, keyHeads · H)
    private final Tensor[] values;
    private final int[] lengths;
    private final int[] longest; // that a sequence had, even if its last tokens were forgotten
    private final int[][] begun; // rows in front of the tokens, per layer and sequence
    private boolean fresh = true;
    private volatile boolean closed;

    KeyValueCache(DType dtype, int layers, int width, int sequences, int capacity) {
        this.capacity = capacity;
        this.keys = new Tensor[layers];
        this.values = new Tensor[layers];
        this.lengths = new int[sequences];
        this.longest = new int[sequences];
        this.begun = new int[layers][sequences];
        for (int l = 0; l < layers; l++) {
            keys[l] = Tensor.allocate(dtype, sequences * capacity, width);
            values[l] = Tensor.allocate(dtype, sequences * capacity, width);
        }
    }

    /**
     * Positions of the tokens of a batch that continues the sequences.
     *
     * @param keysHoldTo tokens of a sequence up to which its earlier keys hold
     */
    int[] positions(PackedBatch batch, int keysHoldTo) {
        if (closed) {
            throw new WrongUseException("a cache of keys and values was used after it was closed. Make a new one, and"
                    + " begin at the first token.");
        }
        if (batch.sequences() > lengths.length) {
            throw new BadInputException("a batch of " + batch.sequences() + " sequences was given with a cache for "
                    + lengths.length + ". Make a cache for as many.");
        }
        int[] positions = batch.positions();
        for (int s = 0; s < batch.sequences(); s++) {
            if (lengths[s] + batch.length(s) > capacity) {
                throw new BadInputException("the cache holds " + capacity + " tokens of a sequence, " + lengths[s]
                        + " are in it and " + batch.length(s) + " were to be added. Make a larger cache.");
            }
            if (isOutgrown(s, batch.length(s), keysHoldTo)) {
                throw new WrongUseException("a sequence of " + lengths[s] + " tokens was continued with "
                        + batch.length(s) + "; keys and values that were made before do not hold beyond " + keysHoldTo
                        + " tokens of this model. Make a new cache, and begin at the first token.");
            }
            for (int i = 0; i < batch.length(s); i++) {
                positions[batch.start(s) + i] += lengths[s];
            }
        }
        return positions;
    }

    /** Whether keys of a sequence that are here do not hold with so many tokens more. */
    boolean isOutgrown(int sequence, int more, int keysHoldTo) {
        int made = longest[sequence];
        return made > 0 && made <= keysHoldTo && lengths[sequence] + more > keysHoldTo;
    }

    /** Takes everything out, with the keys of adapters. */
    void clear() {
        fresh = true;
        Arrays.fill(lengths, 0);
        Arrays.fill(longest, 0);
        for (int[] layer : begun) {
            Arrays.fill(layer, 0);
        }
    }

    /** Whether no token is in it yet. */
    boolean isFresh() {
        return fresh;
    }

    /** Puts keys and values (P, keyHeads · H) in front of the tokens of a sequence, for one layer; the same number for every layer. */
    void begin(int layer, int sequence, Tensor key, Tensor value) {
        int at = begun[layer][sequence];
        keys[layer].rows(sequence * capacity + at, key.rows()).copyFrom(key);
        values[layer].rows(sequence * capacity + at, key.rows()).copyFrom(value);
        begun[layer][sequence] += key.rows();
    }

    /** To be called once all layers have begun. */
    void beginTokens() {
        for (int s = 0; s < lengths.length; s++) {
            lengths[s] = begun[0][s];
        }
    }

    /** Puts the keys and values (T, keyHeads · H) of a layer behind those of earlier tokens. */
    void append(int layer, PackedBatch batch, Tensor key, Tensor value) {
        for (int s = 0; s < batch.sequences(); s++) {
            int to = s * capacity + lengths[s];
            int n = batch.length(s);
            keys[layer].rows(to, n).copyFrom(key.rows(batch.start(s), n));
            values[layer].rows(to, n).copyFrom(value.rows(batch.start(s), n));
        }
    }

    /** To be called once all layers have added their tokens. */
    void advance(PackedBatch batch) {
        fresh = false;
        for (int s = 0; s < batch.sequences(); s++) {
            lengths[s] += batch.length(s);
            longest[s] = Math.max(longest[s], lengths[s]);
        }
    }

    /**
     * Keys and values of the tokens of a sequence side by side, as prefix tuning keeps them: (tokens, layers · 2 · keyHeads · H), for each layer the keys and
     * then the values. The caller closes it.
     */
    Tensor sideBySide(int sequence) {
        int n = lengths[sequence];
        int width = keys[0].cols();
        Tensor all = Tensor.allocate(keys[0].dtype(), n, keys.length * 2 * width);
        for (int l = 0; l < keys.length; l++) {
            all.columns(2 * l * width, width).copyFrom(keys[l].rows(sequence * capacity, n));
            all.columns((2 * l + 1) * width, width).copyFrom(values[l].rows(sequence * capacity, n));
        }
        return all;
    }

    /** Takes the last tokens of a sequence out again. */
    void forget(int sequence, int tokens) {
        lengths[sequence] -= Math.min(tokens, lengths[sequence]);
    }

    Tensor keys(int layer) {
        return keys[layer];
    }

    Tensor values(int layer) {
        return values[layer];
    }

    /** How the tokens of a batch attend to the cache that they have been added to. */
    AttentionShape shape(PackedBatch batch, int heads, int keyHeads, int headSize, double scale) {
        int[] starts = new int[batch.sequences()];
        int[] counts = new int[batch.sequences()];
        Arrays.setAll(starts, s -> s * capacity);
        Arrays.setAll(counts, s -> lengths[s] + batch.length(s));
        return new AttentionShape(
                batch.starts(), batch.lengths(), starts, counts, heads, keyHeads, headSize, scale, true, 0, 0);
    }

    @Override
    public void close() {
        closed = true;
        for (int l = 0; l < keys.length; l++) {
            keys[l].close();
            values[l].close();
        }
    }
}
