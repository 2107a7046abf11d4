package dev.peft4j.core.tensor;

import org.jspecify.annotations.Nullable;

/** Batch norm on the host. Sums over rows are made of those of blocks of rows, so they depend neither on the number of threads nor much on that of rows. */
final class HostColumnNorms {
    private static final int BLOCK = 256; // rows

    private final HostRows rows;
    private final Workers workers;

    HostColumnNorms(HostRows rows, Workers workers) {
        this.rows = rows;
        this.workers = workers;
    }

    /** Adds what a row has for each column to sums. */
    @FunctionalInterface
    private interface Sum {
        void add(int row, float[] sums, float[] a, float[] b);
    }

    /** The sums of n numbers over all rows. */
    private double[] sums(int count, int columns, int n, Sum sum) {
        int blocks = (count + BLOCK - 1) / BLOCK;
        float[][] parts = new float[blocks][];
        workers.forRange(blocks, 1, (from, to) -> {
            float[] a = Scratch.array(0, columns);
            float[] b = Scratch.array(1, columns);
            for (int block = from; block < to; block++) {
                float[] part = new float[n];
                for (int r = block * BLOCK; r < Math.min(count, (block + 1) * BLOCK); r++) {
                    sum.add(r, part, a, b);
                }
                parts[block] = part;
            }
        });
        double[] all = new double[n];
        for (float[] part : parts) {
            for (int i = 0; i < n; i++) {
                all[i] += part[i];
            }
        }
        return all;
    }

    void moments(Tensor x, Tensor mean, Tensor variance) {
        int n = x.cols();
        double[] m = sums(x.rows(), n, n, (r, sum, a, b) -> {
            x.read(r, 0, a, 0, n);
            for (int i = 0; i < n; i++) {
                sum[i] += a[i];
            }
        });
        float[] centre = new float[n];
        for (int i = 0; i < n; i++) {
            m[i] /= x.rows();
            centre[i] = (float) m[i];
        }
        double[] v = sums(x.rows(), n, n, (r, sum, a, b) -> {
            x.read(r, 0, a, 0, n);
            for (int i = 0; i < n; i++) {
                float d = a[i] - centre[i];
                sum[i] += d * d;
            }
        });
        for (int i = 0; i < n; i++) {
            mean.put(0, i, m[i]);
            variance.put(0, i, v[i] / x.rows());
        }
    }

    private static float[] deviations(Tensor variance, double eps) {
        float[] rstd = variance.toFloats();
        for (int i = 0; i < rstd.length; i++) {
            rstd[i] = (float) (1 / Math.sqrt(rstd[i] + eps));
        }
        return rstd;
    }

    void forward(
            Tensor x,
            Tensor mean,
            Tensor variance,
            double eps,
            Tensor weight,
            Tensor bias,
            boolean isRectified,
            Tensor y) {
        int n = x.cols();
        float[] m = mean.toFloats();
        float[] scale = deviations(variance, eps);
        float[] w = weight.toFloats();
        float[] shift = bias.toFloats();
        for (int i = 0; i < n; i++) {
            scale[i] *= w[i];
        }
        rows.run(x, (r, a, b, c) -> {
            x.read(r, 0, a, 0, n);
            for (int i = 0; i < n; i++) {
                a[i] = (a[i] - m[i]) * scale[i] + shift[i];
            }
            if (isRectified) {
                for (int i = 0; i < n; i++) {
                    a[i] = Math.max(0f, a[i]);
                }
            }
            y.write(r, 0, a, 0, n);
        });
    }

    void backward(
            Tensor dy,
            Tensor x,
            Tensor mean,
            Tensor variance,
            double eps,
            Tensor weight,
            boolean ofBatch,
            @Nullable Tensor dx,
            boolean accumulate,
            @Nullable Tensor dWeight,
            @Nullable Tensor dBias) {
        int n = x.cols();
        float[] m = mean.toFloats();
        float[] rstd = deviations(variance, eps);
        double[] bySlope = new double[n]; // Σ dy · x̂
        double[] byShift = new double[n]; // Σ dy
        if (ofBatch || dWeight != null) {
            bySlope = sums(x.rows(), n, n, (r, sum, a, b) -> {
                x.read(r, 0, a, 0, n);
                dy.read(r, 0, b, 0, n);
                for (int i = 0; i < n; i++) {
                    sum[i] += b[i] * ((a[i] - m[i]) * rstd[i]);
                }
            });
        }
        if (ofBatch || dBias != null) {
            byShift = sums(x.rows(), n, n, (r, sum, a, b) -> {
                dy.read(r, 0, b, 0, n);
                for (int i = 0; i < n; i++) {
                    sum[i] += b[i];
                }
            });
        }
        add(bySlope, dWeight);
        add(byShift, dBias);
        if (dx != null) {
            derive(dy, x, m, rstd, weight.toFloats(), ofBatch ? bySlope : null, byShift, dx, accumulate);
        }
    }

    /** {@code dx = w · rstd · (dy - mean(dy) - x̂ · mean(dy · x̂))}; without the means if those of x are not its own. */
    private void derive(
            Tensor dy,
            Tensor x,
            float[] m,
            float[] rstd,
            float[] w,
            double @Nullable [] bySlope,
            double[] byShift,
            Tensor dx,
            boolean accumulate) {
        int n = x.cols();
        float[] slope = new float[n];
        float[] shift = new float[n];
        for (int i = 0; bySlope != null && i < n; i++) {
            slope[i] = (float) (bySlope[i] / x.rows()) * rstd[i];
            shift[i] = (float) (byShift[i] / x.rows());
        }
        float[] factor = new float[n];
        for (int i = 0; i < n; i++) {
            factor[i] = w[i] * rstd[i];
        }
        rows.run(x, (r, a, b, c) -> {
            dy.read(r, 0, b, 0, n);
            if (bySlope != null) {
                x.read(r, 0, a, 0, n);
                for (int i = 0; i < n; i++) {
                    b[i] -= shift[i] + (a[i] - m[i]) * slope[i];
                }
            }
            for (int i = 0; i < n; i++) {
                b[i] *= factor[i];
            }
            HostRows.writeOrAdd(dx, r, b, c, n, accumulate);
        });
    }

    private static void add(double[] sums, @Nullable Tensor to) {
        for (int i = 0; to != null && i < sums.length; i++) {
            to.put(0, i, to.value(0, i) + sums[i]);
        }
    }
}
