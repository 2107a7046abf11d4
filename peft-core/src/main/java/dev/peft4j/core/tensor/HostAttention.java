package dev.peft4j.core.tensor;

/**
 * Attention of packed sequences by strided products, one sequence and group of heads at a time: the matrices of a head are columns of
 * the packed ones, and nothing is copied.
 */
final class HostAttention {
    private final Workers workers;

    HostAttention(Workers workers) {
        this.workers = workers;
    }

    void forward(AttentionShape s, Tensor q, Tensor k, Tensor v, Tensor weights, Tensor y) {
        int[] starts = s.weightStarts();
        int heads = s.heads();
        int group = heads / s.keyHeads();
        int size = s.headSize();
        workers.forRange(s.sequences() * heads, 1, (from, to) -> {
            for (int task = from; task < to; task++) {
                int seq = task / heads;
                int head = task % heads;
                int n = s.queryCount()[seq];
                int m = s.keyCount()[seq];
                int at = starts[seq] + head * n * m;
                long p = weights.address(0, at);
                int column = head * size;
                int keyColumn = head / group * size;
                // scores = scale · q kᵀ
                HostMatrixEngine.sgemm(
                        false,
                        true,
                        n,
                        m,
                        size,
                        (float) s.scale(),
                        q.address(s.queryStart()[seq], column),
                        q.stride(),
                        k.address(s.keyStart()[seq], keyColumn),
                        k.stride(),
                        0f,
                        p,
                        m);
                float[] dropped = softmax(s, seq, weights, at, n, m);
                // y = weights v; weights that were dropped are put back afterwards, for the backward pass needs both
                long used = p;
                if (dropped.length > 0) {
                    Tensor scratch = AttentionScratch.get(n * m);
                    scratch.write(0, 0, dropped, 0, n * m);
                    used = scratch.address();
                }
                HostMatrixEngine.sgemm(
                        false,
                        false,
                        n,
                        size,
                        m,
                        1f,
                        used,
                        m,
                        v.address(s.keyStart()[seq], keyColumn),
                        v.stride(),
                        0f,
                        y.address(s.queryStart()[seq], column),
                        y.stride());
            }
        });
    }

    /** Turns scores into weights, in place; returns the weights after dropout, or an empty array where there is none. */
    private static float[] softmax(AttentionShape s, int seq, Tensor weights, int at, int n, int m) {
        float[] row = Scratch.array(0, m);
        float[] dropped = s.dropout() > 0 ? Scratch.array(1, n * m) : NONE;
        for (int i = 0; i < n; i++) {
            int visible = s.visible(seq, i);
            weights.read(0, at + i * m, row, 0, visible);
            float sum = FastMath.expShifted(row, FastMath.max(row, visible), visible);
            float factor = 1 / sum;
            for (int j = 0; j < visible; j++) {
                row[j] *= factor;
            }
            for (int j = visible; j < m; j++) {
                row[j] = 0f;
            }
            weights.write(0, at + i * m, row, 0, m);
            if (s.dropout() > 0) {
                Dropout.apply(s.dropout(), s.seed(), at + i * m, row, row, m);
                System.arraycopy(row, 0, dropped, i * m, m);
            }
        }
        return dropped;
    }

    private static final float[] NONE = new float[0];

    void backward(
            AttentionShape s,
            Tensor dy,
            Tensor q,
            Tensor k,
            Tensor v,
            Tensor weights,
            Tensor dq,
            Tensor dk,
            Tensor dv) {
        int[] starts = s.weightStarts();
        int group = s.heads() / s.keyHeads();
        int size = s.headSize();
        int keyHeads = s.keyHeads();
        // the heads of a group add to the same keys and values, so a group is one task
        workers.forRange(s.sequences() * keyHeads, 1, (from, to) -> {
            for (int task = from; task < to; task++) {
                int seq = task / keyHeads;
                int keyHead = task % keyHeads;
                int n = s.queryCount()[seq];
                int m = s.keyCount()[seq];
                int keyColumn = keyHead * size;
                int queryRow = s.queryStart()[seq];
                int keyRow = s.keyStart()[seq];
                Tensor scratch = AttentionScratch.get(n * m);
                for (int g = 0; g < group; g++) {
                    int head = keyHead * group + g;
                    int column = head * size;
                    int at = starts[seq] + head * n * m;
                    long p = weights.address(0, at);
                    long used = p;
                    if (s.dropout() > 0) {
                        float[] all = Scratch.array(1, n * m);
                        weights.read(0, at, all, 0, n * m);
                        Dropout.apply(s.dropout(), s.seed(), at, all, all, n * m);
                        scratch.write(0, 0, all, 0, n * m);
                        used = scratch.address();
                    }
                    float beta = g == 0 ? 0f : 1f;
                    // dv = weightsᵀ dy
                    HostMatrixEngine.sgemm(
                            true,
                            false,
                            m,
                            size,
                            n,
                            1f,
                            used,
                            m,
                            dy.address(queryRow, column),
                            dy.stride(),
                            beta,
                            dv.address(keyRow, keyColumn),
                            dv.stride());
                    // dweights = dy vᵀ
                    HostMatrixEngine.sgemm(
                            false,
                            true,
                            n,
                            m,
                            size,
                            1f,
                            dy.address(queryRow, column),
                            dy.stride(),
                            v.address(keyRow, keyColumn),
                            v.stride(),
                            0f,
                            scratch.address(),
                            m);
                    softmaxBackward(s, seq, weights, at, scratch, n, m);
                    // dq = scale · dscores k, dk = scale · dscoresᵀ q
                    HostMatrixEngine.sgemm(
                            false,
                            false,
                            n,
                            size,
                            m,
                            (float) s.scale(),
                            p,
                            m,
                            k.address(keyRow, keyColumn),
                            k.stride(),
                            0f,
                            dq.address(queryRow, column),
                            dq.stride());
                    HostMatrixEngine.sgemm(
                            true,
                            false,
                            m,
                            size,
                            n,
                            (float) s.scale(),
                            p,
                            m,
                            q.address(queryRow, column),
                            q.stride(),
                            beta,
                            dk.address(keyRow, keyColumn),
                            dk.stride());
                }
            }
        });
    }

    /** {@code dscores = w · (dw - Σ dw · w)} for each query, written over the weights. */
    private static void softmaxBackward(
            AttentionShape s, int seq, Tensor weights, int at, Tensor dWeights, int n, int m) {
        float[] w = Scratch.array(0, m);
        float[] dw = Scratch.array(2, m);
        for (int i = 0; i < n; i++) {
            int visible = s.visible(seq, i);
            weights.read(0, at + i * m, w, 0, visible);
            dWeights.read(0, i * m, dw, 0, visible);
            if (s.dropout() > 0) {
                Dropout.apply(s.dropout(), s.seed(), at + i * m, dw, dw, visible);
            }
            float inner = FastMath.dot(w, dw, visible);
            for (int j = 0; j < visible; j++) {
                w[j] *= dw[j] - inner;
            }
            weights.write(0, at + i * m, w, 0, visible);
        }
    }
}
