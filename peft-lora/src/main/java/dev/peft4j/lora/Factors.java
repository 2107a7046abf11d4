package dev.peft4j.lora;

import org.jspecify.annotations.Nullable;

/**
 * The update of one adapter at one layer: {@code ΔW = diag(g) (W + s · B A) - W}, where g is all 1 but for DoRA, and {@code Δb = s · c}.
 *
 * @param b (O, R), row by row
 * @param a (R, I), row by row
 * @param r rank R
 * @param scaling s
 * @param gains g (O), or null for 1
 * @param bias c (O), or null for none
 */
record Factors(double[] b, double[] a, int r, double scaling, double @Nullable [] gains, double @Nullable [] bias) {
    double gain(int row) {
        return gains == null ? 1 : gains[row];
    }

    /** ΔW (O, I) of the base weight. */
    double[] delta(double[] weight, int out, int in) {
        double[] d = new double[out * in];
        for (int o = 0; o < out; o++) {
            for (int k = 0; k < r; k++) {
                double v = scaling * b[o * r + k] * gain(o);
                for (int i = 0; i < in; i++) {
                    d[o * in + i] += v * a[k * in + i];
                }
            }
            if (gains != null) {
                for (int i = 0; i < in; i++) {
                    d[o * in + i] += (gains[o] - 1) * weight[o * in + i];
                }
            }
        }
        return d;
    }
}
