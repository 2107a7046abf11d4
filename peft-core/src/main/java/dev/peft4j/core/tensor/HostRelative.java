package dev.peft4j.core.tensor;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** What distances of tokens add to the scores of attention, on the host: a task is a head of a sequence. */
final class HostRelative {
    private final Workers workers;

    HostRelative(Workers workers) {
        this.workers = workers;
    }

    void forward(AttentionShape s, int[] places, double factor, @Nullable Tensor q, @Nullable Tensor k, Tensor scores) {
        int[] starts = s.weightStarts();
        int heads = s.heads();
        int zero = places.length / 2; // where the distance 0 is
        float f = (float) factor;
        workers.forRange(s.sequences() * heads, 1, (from, to) -> {
            for (int task = from; task < to; task++) {
                int seq = task / heads;
                int head = task % heads;
                int n = s.queryCount()[seq];
                int m = s.keyCount()[seq];
                float[] all = k == null ? new float[0] : read(k, s.keyStart()[seq], m, head, heads);
                int p = cols(k) / heads;
                float[] own = q == null ? new float[0] : Scratch.array(2, q.cols() / heads);
                float[] row = Scratch.array(0, m);
                for (int i = 0; i < n; i++) {
                    Arrays.fill(row, 0, m, 0f);
                    if (q != null) {
                        int columns = q.cols() / heads;
                        q.read(s.queryStart()[seq] + i, head * columns, own, 0, columns);
                        for (int j = 0; j < m; j++) {
                            row[j] = f * own[places[zero + i - j]];
                        }
                    }
                    for (int j = 0; p > 0 && j < m; j++) {
                        row[j] += f * all[j * p + places[zero + i - j]];
                    }
                    scores.write(0, starts[seq] + (head * n + i) * m, row, 0, m);
                }
            }
        });
    }

    /** Columns of a head, of the rows of a sequence. */
    private static float[] read(Tensor t, int start, int rows, int head, int heads) {
        int columns = t.cols() / heads;
        float[] all = Scratch.array(1, rows * columns);
        for (int r = 0; r < rows; r++) {
            t.read(start + r, head * columns, all, r * columns, columns);
        }
        return all;
    }

    void backward(
            AttentionShape s, int[] places, double factor, Tensor dScores, @Nullable Tensor dq, @Nullable Tensor dk) {
        int[] starts = s.weightStarts();
        int heads = s.heads();
        int zero = places.length / 2;
        float f = (float) factor;
        workers.forRange(s.sequences() * heads, 1, (from, to) -> {
            for (int task = from; task < to; task++) {
                int seq = task / heads;
                int head = task % heads;
                int n = s.queryCount()[seq];
                int m = s.keyCount()[seq];
                int p = (dq == null ? cols(dk) : dq.cols()) / heads;
                float[] own = Scratch.array(2, p);
                float[] all = Scratch.array(1, m * p);
                Arrays.fill(all, 0, m * p, 0f);
                float[] row = Scratch.array(0, m);
                for (int i = 0; i < n; i++) {
                    dScores.read(0, starts[seq] + (head * n + i) * m, row, 0, m);
                    Arrays.fill(own, 0, p, 0f);
                    for (int j = 0; j < m; j++) {
                        int place = places[zero + i - j];
                        own[place] += f * row[j];
                        all[j * p + place] += f * row[j];
                    }
                    if (dq != null) {
                        dq.write(s.queryStart()[seq] + i, head * p, own, 0, p);
                    }
                }
                for (int j = 0; dk != null && j < m; j++) {
                    dk.write(s.keyStart()[seq] + j, head * p, all, j * p, p);
                }
            }
        });
    }

    private static int cols(@Nullable Tensor t) {
        return t == null ? 0 : t.cols();
    }
}
