package dev.peft4j.core.tensor;

import java.util.Arrays;

/**
 * Attention of packed sequences by strided products, one sequence and group of heads at a time: the matrices of a head are columns of
 * the packed ones, and nothing is copied. Causal attention goes over blocks of queries, so that most of what is hidden is not computed.
 */
final class HostAttention {
    private static final int BLOCK = 64; // queries

    private final Workers workers;

    HostAttention(Workers workers) {
        this.workers = workers;
    }

    /** A block of the queries of one sequence and head, and the keys that some of them see. */
    private record Block(int firstQuery, int queries, int firstKey, int keys) {
        static Block of(AttentionShape s, int seq, int index) {
            int size = isCut(s) ? BLOCK : s.queryCount()[seq];
            int first = index * size;
            int count = Math.min(size, s.queryCount()[seq] - first);
            int key = s.from(seq, first);
            return new Block(first, count, key, s.to(seq, first + count - 1) - key);
        }

        static int count(AttentionShape s, int seq) {
            return isCut(s) ? (s.queryCount()[seq] + BLOCK - 1) / BLOCK : 1;
        }

        private static boolean isCut(AttentionShape s) {
            return s.causal() || s.window() > 0;
        }

        /** Where its weights begin, of those of its sequence and head that begin at {@code first}. */
        int weight(AttentionShape s, int seq, int first) {
            return first + firstQuery * s.keyCount()[seq] + firstKey;
        }

        /** The first of its keys that a query sees, and the one behind the last. */
        int from(AttentionShape s, int seq, int query) {
            return s.from(seq, firstQuery + query) - firstKey;
        }

        int to(AttentionShape s, int seq, int query) {
            return s.to(seq, firstQuery + query) - firstKey;
        }
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
                int m = s.keyCount()[seq];
                int column = head * size;
                for (int i = 0; i < Block.count(s, seq); i++) {
                    Block b = Block.of(s, seq, i);
                    long keys = k.address(s.keyStart()[seq] + b.firstKey, head / group * size);
                    long values = v.address(s.keyStart()[seq] + b.firstKey, head / group * size);
                    int at = b.weight(s, seq, starts[seq] + head * s.queryCount()[seq] * m);
                    int row = s.queryStart()[seq] + b.firstQuery;
                    long p = weights.address(0, at);
                    // scores = scale · q kᵀ
                    HostMatrixEngine.sgemm(
                            false,
                            true,
                            b.queries,
                            b.keys,
                            size,
                            (float) s.scale(),
                            q.address(row, column),
                            q.stride(),
                            keys,
                            k.stride(),
                            s.isBiased() ? 1f : 0f,
                            p,
                            m);
                    softmax(s, seq, b, weights, at);
                    long used = s.dropout() > 0 ? drop(s, b, weights, at, m).address() : p;
                    // y = weights v
                    HostMatrixEngine.sgemm(
                            false,
                            false,
                            b.queries,
                            size,
                            b.keys,
                            1f,
                            used,
                            m,
                            values,
                            v.stride(),
                            0f,
                            y.address(row, column),
                            y.stride());
                }
            }
        });
    }

    /** Turns the scores of a block into weights, in place. */
    private static void softmax(AttentionShape s, int seq, Block b, Tensor weights, int at) {
        int m = s.keyCount()[seq];
        float[] row = Scratch.array(0, m);
        for (int i = 0; i < b.queries; i++) {
            int from = b.from(s, seq, i);
            int visible = b.to(s, seq, i) - from;
            weights.read(0, at + i * m + from, row, 0, visible);
            if (s.softCap() > 0) {
                cap(row, visible, (float) s.softCap());
            }
            float sum = FastMath.expShifted(row, FastMath.max(row, visible), visible);
            float factor = 1 / sum;
            for (int j = 0; j < visible; j++) {
                row[j] *= factor;
            }
            if (from > 0) {
                System.arraycopy(row, 0, row, from, visible);
                Arrays.fill(row, 0, from, 0f);
            }
            for (int j = from + visible; j < b.keys; j++) {
                row[j] = 0f;
            }
            weights.write(0, at + i * m, row, 0, b.keys);
        }
    }

    /** {@code cap · tanh(x / cap)}. */
    private static void cap(float[] x, int n, float cap) {
        for (int j = 0; j < n; j++) {
            x[j] = cap * FastMath.tanh(x[j] / cap);
        }
    }

    /** The weights of a block after dropout, in memory of the thread; the weights before are needed by the backward pass too. */
    private static Tensor drop(AttentionShape s, Block b, Tensor weights, int at, int m) {
        Tensor dropped = AttentionScratch.get(b.queries * m);
        float[] row = Scratch.array(0, m);
        for (int i = 0; i < b.queries; i++) {
            weights.read(0, at + i * m, row, 0, b.keys);
            Dropout.apply(s.dropout(), s.seed(), at + i * m, row, row, b.keys);
            dropped.write(0, i * m, row, 0, b.keys);
        }
        return dropped;
    }

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
        int keyHeads = s.keyHeads();
        int group = s.heads() / keyHeads;
        // the heads of a group add to the same keys and values, so a group is one task
        AttentionScratch.get(1); // of this thread in its first step, also if others do all of this one
        workers.forRange(s.sequences() * keyHeads, 1, (from, to) -> {
            for (int task = from; task < to; task++) {
                int seq = task / keyHeads;
                int keyHead = task % keyHeads;
                for (int g = 0; g < group; g++) {
                    int head = keyHead * group + g;
                    int first = starts[seq] + head * s.queryCount()[seq] * s.keyCount()[seq];
                    int last = Block.count(s, seq) - 1;
                    boolean windowed = s.window() > 0;
                    if (windowed && g == 0) { // no block sees all keys
                        zero(s, seq, keyHead, dk);
                        zero(s, seq, keyHead, dv);
                    }
                    // the last block sees all keys, so it comes first and sets what the others add to
                    for (int i = last; i >= 0; i--) {
                        boolean sets = g == 0 && i == last && !windowed;
                        Block b = Block.of(s, seq, i);
                        backward(s, seq, head, keyHead, b, first, sets ? 0f : 1f, dy, q, k, v, weights, dq, dk, dv);
                    }
                }
            }
        });
    }

    private static void zero(AttentionShape s, int seq, int keyHead, Tensor t) {
        float[] zeros = Scratch.array(0, s.headSize());
        Arrays.fill(zeros, 0, s.headSize(), 0f);
        for (int r = 0; r < s.keyCount()[seq]; r++) {
            t.write(s.keyStart()[seq] + r, keyHead * s.headSize(), zeros, 0, s.headSize());
        }
    }

    private static void backward(
            AttentionShape s,
            int seq,
            int head,
            int keyHead,
            Block b,
            int firstWeight,
            float beta,
            Tensor dy,
            Tensor q,
            Tensor k,
            Tensor v,
            Tensor weights,
            Tensor dq,
            Tensor dk,
            Tensor dv) {
        int size = s.headSize();
        int m = s.keyCount()[seq];
        int at = b.weight(s, seq, firstWeight);
        int row = s.queryStart()[seq] + b.firstQuery;
        int column = head * size;
        int keyRow = s.keyStart()[seq] + b.firstKey;
        int keyColumn = keyHead * size;
        float scale = (float) s.scale();
        long p = weights.address(0, at);
        long used = s.dropout() > 0 ? drop(s, b, weights, at, m).address() : p;
        // dv = weightsᵀ dy
        HostMatrixEngine.sgemm(
                true,
                false,
                b.keys,
                size,
                b.queries,
                1f,
                used,
                m,
                dy.address(row, column),
                dy.stride(),
                beta,
                dv.address(keyRow, keyColumn),
                dv.stride());
        // dweights = dy vᵀ
        Tensor dWeights = AttentionScratch.get(b.queries * m);
        HostMatrixEngine.sgemm(
                false,
                true,
                b.queries,
                b.keys,
                size,
                1f,
                dy.address(row, column),
                dy.stride(),
                v.address(keyRow, keyColumn),
                v.stride(),
                0f,
                dWeights.address(),
                m);
        softmaxBackward(s, seq, b, weights, at, dWeights);
        if (s.softCap() > 0) {
            Tensor scores = AttentionScratch.get(b.queries * m);
            HostMatrixEngine.sgemm(
                    false,
                    true,
                    b.queries,
                    b.keys,
                    size,
                    scale,
                    q.address(row, column),
                    q.stride(),
                    k.address(keyRow, keyColumn),
                    k.stride(),
                    0f,
                    scores.address(),
                    m);
            capBackward(s, m, b, weights, at, scores);
        }
        // dq = scale · dscores k, dk = scale · dscoresᵀ q
        HostMatrixEngine.sgemm(
                false,
                false,
                b.queries,
                size,
                b.keys,
                scale,
                p,
                m,
                k.address(keyRow, keyColumn),
                k.stride(),
                0f,
                dq.address(row, column),
                dq.stride());
        HostMatrixEngine.sgemm(
                true,
                false,
                b.keys,
                size,
                b.queries,
                scale,
                p,
                m,
                q.address(row, column),
                q.stride(),
                beta,
                dk.address(keyRow, keyColumn),
                dk.stride());
    }

    /** {@code dscores = w · (dw - Σ dw · w)} for each query of a block, written over the weights. */
    private static void softmaxBackward(AttentionShape s, int seq, Block b, Tensor weights, int at, Tensor dWeights) {
        int m = s.keyCount()[seq];
        float[] w = Scratch.array(0, m);
        float[] dw = Scratch.array(2, m);
        for (int i = 0; i < b.queries; i++) {
            int from = b.from(s, seq, i);
            int visible = b.to(s, seq, i) - from;
            weights.read(0, at + i * m + from, w, 0, visible);
            dWeights.read(0, i * m + from, dw, 0, visible);
            if (s.dropout() > 0) {
                Dropout.apply(s.dropout(), s.seed(), at + i * m + from, dw, dw, visible);
            }
            float inner = FastMath.dot(w, dw, visible);
            for (int j = 0; j < visible; j++) {
                w[j] *= dw[j] - inner;
            }
            weights.write(0, at + i * m + from, w, 0, visible);
        }
    }

    /** {@code dscores · (1 - tanh²(score / cap))}. */
    private static void capBackward(AttentionShape s, int m, Block b, Tensor weights, int at, Tensor scores) {
        float[] d = Scratch.array(0, m);
        float[] score = Scratch.array(2, m);
        float cap = (float) s.softCap();
        for (int i = 0; i < b.queries; i++) {
            weights.read(0, at + i * m, d, 0, b.keys);
            scores.read(0, i * m, score, 0, b.keys);
            for (int j = 0; j < b.keys; j++) {
                float t = FastMath.tanh(score[j] / cap);
                d[j] *= 1 - t * t;
            }
            weights.write(0, at + i * m, d, 0, b.keys);
        }
    }
}
