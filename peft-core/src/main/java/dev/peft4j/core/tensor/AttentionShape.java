package dev.peft4j.core.tensor;

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
 * @param window if above 0, keys at this distance or farther are hidden: of the earlier ones, and of the later ones too if these are not hidden anyway (sliding
 *     windows: Beltagy et al. 2020, <a href="https://arxiv.org/abs/2004.05150">paper</a>, section 3.1)
 * @param softCap if above 0, scores are {@code cap · tanh(score / cap)} (Gemma 2, <a href="https://arxiv.org/abs/2408.00118">paper</a>, section 2)
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
        int window,
        double softCap,
        double dropout,
        long seed) {

    /** Without a window or a cap. */
    public AttentionShape(
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
        this(queryStart, queryCount, keyStart, keyCount, heads, keyHeads, headSize, scale, causal, 0, 0, dropout, seed);
    }

    /** The same with a window; 0 for none. */
    public AttentionShape withWindow(int newWindow) {
        return of(queryStart, queryCount, keyStart, keyCount, newWindow, softCap);
    }

    /** The same with a cap of the scores; 0 for none. */
    public AttentionShape withSoftCap(double cap) {
        return of(queryStart, queryCount, keyStart, keyCount, window, cap);
    }

    private AttentionShape of(
            int[] queries, int[] queryCounts, int[] keys, int[] keyCounts, int newWindow, double newCap) {
        return new AttentionShape(
                queries,
                queryCounts,
                keys,
                keyCounts,
                heads,
                keyHeads,
                headSize,
                scale,
                causal,
                newWindow,
                newCap,
                dropout,
                seed);
    }

    /** Number of sequences. */
    public int sequences() {
        return queryStart.length;
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
        return of(queryStart, queryCount, starts, counts, window, softCap);
    }

    /**
     * The same with only some of the queries, which lie end to end; where later keys are hidden, or far ones, the last ones of each sequence are meant.
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
        return of(starts, counts, keyStart, keyCount, window, softCap);
    }

    /** The first key that a query sees. */
    int from(int sequence, int query) {
        return window == 0 ? 0 : Math.max(0, query + keyCount[sequence] - queryCount[sequence] - window + 1);
    }

    /** The key behind the last one that a query sees. */
    int to(int sequence, int query) {
        int own = query + keyCount[sequence] - queryCount[sequence];
        if (causal) {
            return own + 1;
        }
        return window == 0 ? keyCount[sequence] : Math.min(keyCount[sequence], own + window);
    }
}
