package dev.peft4j.models;

import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.error.WrongUseException;
import dev.peft4j.core.tensor.AttentionShape;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.Tensor;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Keys and values of the tokens that a model has seen, so that the next token costs one row. The caller closes it. */
public final class KeyValueCache implements AutoCloseable {
    private final int capacity;
    private final Tensor[] keys; // per layer (sequences · capacity, keyHeads · H)
    private final Tensor[] values;
    private final int[] lengths;
    private final int[] madeFor; // tokens of the sequences that their keys were made for
    private final int[][] begun; // rows in front of the tokens, per layer and sequence
    private int[] chosen; // sequences of the next batches
    private int[] toCome; // tokens of each of them behind the next batch
    private @Nullable AttentionShape shape; // of the tokens that are being added
    private volatile boolean closed;

    KeyValueCache(DType dtype, int layers, int width, int sequences, int capacity) {
        this.capacity = capacity;
        this.keys = new Tensor[layers];
        this.values = new Tensor[layers];
        this.lengths = new int[sequences];
        this.madeFor = new int[sequences];
        this.chosen = IntStream.range(0, sequences).toArray();
        this.toCome = new int[sequences];
        this.begun = new int[layers][sequences];
        for (int l = 0; l < layers; l++) {
            keys[l] = Tensor.allocate(dtype, sequences * capacity, width);
            values[l] = Tensor.allocate(dtype, sequences * capacity, width);
        }
    }

    /**
     * Says which sequences the next batches go on with; before it is called, they are the first of all.
     *
     * @param sequences their numbers from 0, in the order of the batch: all of them have tokens here, or none
     * @param tokensToCome of each that are known and follow in later batches, when a text is read in pieces
     * @throws BadInputException if there are no such sequences, or some have tokens here and others have not
     */
    public void goOnWith(int[] sequences, int[] tokensToCome) {
        boolean[] twice = new boolean[lengths.length];
        boolean fits = sequences.length > 0 && sequences.length == tokensToCome.length;
        boolean alike = true;
        for (int b = 0; fits && b < sequences.length; b++) {
            int s = sequences[b];
            fits = s >= 0 && s < lengths.length && !twice[s] && tokensToCome[b] >= 0;
            if (fits) {
                twice[s] = true;
                alike &= madeFor[s] == 0 == (madeFor[sequences[0]] == 0);
            }
        }
        if (!fits) {
            throw new BadInputException("a cache of " + lengths.length + " sequences was to go on with "
                    + Arrays.toString(sequences) + ", and with " + Arrays.toString(tokensToCome)
                    + " tokens to come. Give different numbers from 0, and as many counts.");
        }
        if (!alike) {
            throw new BadInputException("a cache was to go on with the sequences " + Arrays.toString(sequences)
                    + ", of which some have tokens in it and others have not. Run them in two batches.");
        }
        chosen = sequences.clone();
        toCome = tokensToCome.clone();
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
        if (batch.sequences() > chosen.length) {
            throw new BadInputException("a batch of " + batch.sequences() + " sequences was given with a cache for "
                    + chosen.length + ". Make a cache for as many.");
        }
        shape = null;
        int[] positions = batch.positions();
        for (int b = 0; b < batch.sequences(); b++) {
            int s = chosen[b];
            if (lengths[s] + batch.length(b) > capacity) {
                throw new BadInputException("the cache holds " + capacity + " tokens of a sequence, " + lengths[s]
                        + " are in it and " + batch.length(b) + " were to be added. Make a larger cache.");
            }
            if (isOutgrown(s, batch.length(b), keysHoldTo)) {
                throw new WrongUseException("a sequence of " + lengths[s] + " tokens was continued with "
                        + batch.length(b) + "; keys and values that were made before do not hold beyond " + keysHoldTo
                        + " tokens of this model. Make a new cache, and begin at the first token.");
            }
            for (int i = 0; i < batch.length(b); i++) {
                positions[batch.start(b) + i] += lengths[s];
            }
        }
        return positions;
    }

    /** Tokens of the sequences of a batch, with those that were here and those to come. */
    int[] wholeLengths(PackedBatch batch) {
        int[] whole = new int[batch.sequences()];
        Arrays.setAll(whole, b -> lengths[chosen[b]] + batch.length(b) + toCome[b]);
        return whole;
    }

    /** Whether keys of a sequence that are here do not hold with so many tokens more. */
    boolean isOutgrown(int sequence, int more, int keysHoldTo) {
        int made = madeFor[sequence];
        return made > 0 && made <= keysHoldTo && lengths[sequence] + more > keysHoldTo;
    }

    /** Takes everything of a sequence out, with the keys of adapters. */
    void clear(int sequence) {
        lengths[sequence] = 0;
        madeFor[sequence] = 0;
        for (int[] layer : begun) {
            layer[sequence] = 0;
        }
    }

    /** Whether the sequences of the next batch have no token in it yet. */
    boolean isFresh() {
        return madeFor[chosen[0]] == 0;
    }

    /** Puts keys and values (P, keyHeads · H) in front of the tokens of a sequence of the batch, for one layer; the same number for every layer. */
    void begin(int layer, int ofBatch, Tensor key, Tensor value) {
        int sequence = chosen[ofBatch];
        int at = begun[layer][sequence];
        keys[layer].rows(sequence * capacity + at, key.rows()).copyFrom(key);
        values[layer].rows(sequence * capacity + at, key.rows()).copyFrom(value);
        begun[layer][sequence] += key.rows();
    }

    /** To be called once all layers have begun. */
    void beginTokens() {
        for (int s : chosen) {
            lengths[s] = begun[0][s];
        }
    }

    /** Puts the keys and values (T, keyHeads · H) of a layer behind those of earlier tokens. */
    void append(int layer, PackedBatch batch, Tensor key, Tensor value) {
        for (int b = 0; b < batch.sequences(); b++) {
            int to = chosen[b] * capacity + lengths[chosen[b]];
            int n = batch.length(b);
            keys[layer].rows(to, n).copyFrom(key.rows(batch.start(b), n));
            values[layer].rows(to, n).copyFrom(value.rows(batch.start(b), n));
        }
    }

    /** To be called once all layers have added their tokens. */
    void advance(PackedBatch batch) {
        for (int b = 0; b < batch.sequences(); b++) {
            int s = chosen[b];
            lengths[s] += batch.length(b);
            madeFor[s] = Math.max(madeFor[s], lengths[s] + toCome[b]);
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

    Tensor keys(int layer) {
        return keys[layer];
    }

    Tensor values(int layer) {
        return values[layer];
    }

    /** How the tokens of a batch attend to the cache that they have been added to; the same for layers of the same scale. */
    AttentionShape shape(PackedBatch batch, int heads, int keyHeads, int headSize, double scale) {
        if (shape == null || shape.scale() != scale) {
            int[] starts = new int[batch.sequences()];
            int[] counts = new int[batch.sequences()];
            Arrays.setAll(starts, b -> chosen[b] * capacity);
            Arrays.setAll(counts, b -> lengths[chosen[b]] + batch.length(b));
            shape = new AttentionShape(
                    batch.starts(), batch.lengths(), starts, counts, heads, keyHeads, headSize, scale, true, 0, 0);
        }
        return shape;
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
