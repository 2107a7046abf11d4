package dev.peft4j.core.tensor;

import dev.peft4j.core.error.BadInputException;
import java.util.Arrays;

/**
 * What attention has to know besides its matrices. Query i of n in a sequence with m keys sees the keys up to {@code i + m - n} if
 * {@code causal}, so that keys in front of the sequence (a prefix, or the cache of earlier tokens) are seen by all queries.
 *
 * @param queryStart first row of each sequence in the query matrix
 * @param queryCount rows of each sequence in the query matrix
 * @param keyStart first row of each sequence in the key and value matrices
 * @param keyCount rows of each sequence in the key and value matrices
 * @param heads query heads N
 * @param keyHeads key and value heads; {@code heads / keyHeads} query heads share one
 * @param headSize H
 * @param scale factor of the scores, usually {@code 1/√H}
 * @param causal whether later keys are hidden
 * @param dropout probability with which a weight is dropped, 0 when not training
 * @param seed seed of the dropped weights
 */
public record AttentionShape(
        int[] queryStart,
        int[] queryCount,
        int[] keyStart,
        int[] keyCount,
        int heads,
        int keyHeads,
        int headSize,
        double scale,
        boolean causal,
        double dropout,
        long seed) {

    /** Number of sequences. */
    public int sequences() {
        return queryStart.length;
    }

    /** First element of the weights of a sequence; each sequence has (heads, queries, keys) of them. */
    public int[] weightStarts() {
        int[] starts = new int[sequences() + 1];
        for (int s = 0; s < sequences(); s++) {
            long end = starts[s] + (long) heads * queryCount[s] * keyCount[s];
            if (end > Integer.MAX_VALUE) {
                throw new BadInputException("attention of " + heads + " heads over sequences of up to "
                        + Arrays.stream(keyCount).max().orElse(0)
                        + " tokens was asked for; their weights are more than "
                        + Integer.MAX_VALUE + " numbers. Give shorter texts, or fewer in a batch.");
            }
            starts[s + 1] = (int) end;
        }
        return starts;
    }

    /** The same with so many more keys in front of those of each sequence; the keys then lie end to end. */
    public AttentionShape withKeysInFront(int[] more) {
        int[] starts = new int[sequences()];
        int[] counts = new int[sequences()];
        int at = 0;
        for (int s = 0; s < sequences(); s++) {
            starts[s] = at;
            counts[s] = keyCount[s] + more[s];
            at += counts[s];
        }
        return new AttentionShape(
                queryStart, queryCount, starts, counts, heads, keyHeads, headSize, scale, causal, dropout, seed);
    }

    /**
     * The same with only some of the queries, which lie end to end; where later keys are hidden, the last ones of each sequence are meant.
     *
     * @param rows numbers of the queries, in rising order
     */
    public AttentionShape withQueries(int... rows) {
        int[] starts = new int[sequences()];
        int[] counts = new int[sequences()];
        int at = 0;
        for (int s = 0; s < sequences(); s++) {
            starts[s] = at;
            while (at < rows.length && rows[at] < queryStart[s] + queryCount[s]) {
                at++;
            }
            counts[s] = at - starts[s];
        }
        return new AttentionShape(
                starts, counts, keyStart, keyCount, heads, keyHeads, headSize, scale, causal, dropout, seed);
    }

    /** How many keys a query sees. */
    int visible(int sequence, int query) {
        return causal ? query + 1 + keyCount[sequence] - queryCount[sequence] : keyCount[sequence];
    }
}
