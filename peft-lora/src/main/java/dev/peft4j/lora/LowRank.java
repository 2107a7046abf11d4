package dev.peft4j.lora;

import dev.peft4j.core.tensor.Decompositions;
import java.util.random.RandomGenerator;

/** The largest singular triplets of a matrix without decomposing all of it. */
final class LowRank {
    private LowRank() {}

    /**
     * Randomised subspace iteration: Halko et al. 2011, <a href="https://arxiv.org/abs/0909.4061">paper</a>, algorithms 4.4 and 5.1.
     *
     * @param w (rows, cols), row by row
     * @param r number of triplets
     * @param iterations each makes the subspace more exact
     */
    static Decompositions.Svd randomSvd(double[] w, int rows, int cols, int r, int iterations, RandomGenerator random) {
        double[] wt = transposed(w, rows, cols);
        double[] start = new double[cols * r];
        for (int i = 0; i < start.length; i++) {
            start[i] = random.nextGaussian();
        }
        double[] q =
                Decompositions.qr(product(w, start, rows, cols, r), rows, r).q();
        for (int i = 0; i < iterations; i++) {
            double[] z =
                    Decompositions.qr(product(wt, q, cols, rows, r), cols, r).q();
            q = Decompositions.qr(product(w, z, rows, cols, r), rows, r).q();
        }
        double[] small = transposed(product(wt, q, cols, rows, r), cols, r); // Qᵀ M (r, cols)
        Decompositions.Svd svd = Decompositions.svd(small, r, cols);
        return new Decompositions.Svd(rows, cols, product(q, svd.u(), rows, r, svd.size()), svd.s(), svd.vt());
    }

    private static double[] transposed(double[] m, int rows, int cols) {
        double[] t = new double[m.length];
        for (int r = 0; r < rows; r++) {
            for (int c = 0; c < cols; c++) {
                t[c * rows + r] = m[r * cols + c];
            }
        }
        return t;
    }

    /** (m, k) · (k, n). */
    private static double[] product(double[] a, double[] b, int m, int k, int n) {
        double[] c = new double[m * n];
        for (int i = 0; i < m; i++) {
            for (int j = 0; j < k; j++) {
                double v = a[i * k + j];
                for (int l = 0; l < n; l++) {
                    c[i * n + l] += v * b[j * n + l];
                }
            }
        }
        return c;
    }
}
