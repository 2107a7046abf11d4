package dev.peft4j.core.tensor;

import java.util.Arrays;

/** Sums over rows: each worker has a range of columns, so that no two of them add to the same element. */
final class HostColumns {
    private final Workers workers;

    HostColumns(Workers workers) {
        this.workers = workers;
    }

    void addSums(Tensor x, Tensor sum) {
        int n = x.cols();
        int rows = x.rows();
        int grain = Math.max(64, (n + workers.threads() - 1) / workers.threads());
        workers.forRange(n, (long) n * rows <= HostRows.GRAIN ? n : grain, (from, to) -> {
            int width = to - from;
            float[] row = Scratch.array(0, width);
            float[] total = Scratch.array(1, width);
            sum.read(0, from, total, 0, width);
            for (int r = 0; r < rows; r++) {
                x.read(r, from, row, 0, width);
                for (int i = 0; i < width; i++) {
                    total[i] += row[i];
                }
            }
            sum.write(0, from, total, 0, width);
        });
    }

    void addDots(Tensor x, Tensor y, Tensor factors, Tensor sum) {
        int n = x.cols();
        float[] f = factors.toFloats();
        int grain = Math.max(64, (n + workers.threads() - 1) / workers.threads());
        workers.forRange(n, grain, (from, to) -> {
            int width = to - from;
            float[] a = Scratch.array(0, width);
            float[] b = Scratch.array(1, width);
            float[] total = Scratch.array(2, width);
            Arrays.fill(total, 0, width, 0f);
            for (int r = 0; r < x.rows(); r++) {
                x.read(r, from, a, 0, width);
                y.read(r, from, b, 0, width);
                for (int i = 0; i < width; i++) {
                    total[i] += a[i] * b[i];
                }
            }
            sum.read(0, from, a, 0, width);
            for (int i = 0; i < width; i++) {
                a[i] += f[from + i] * total[i];
            }
            sum.write(0, from, a, 0, width);
        });
    }
}
