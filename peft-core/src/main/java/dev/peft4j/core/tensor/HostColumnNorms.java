package dev.peft4j.core.tensor;

import org.jspecify.annotations.Nullable;

/**
 * Batch norm on the host. Sums over rows are made of those of blocks of rows, so they depend neither on the number of threads nor much on that of rows. Pixels
 * of few channels are worked on some at a time ({@link HostRows#together}): each number of a channel is there as often then.
 */
final class HostColumnNorms {
    private static final int BLOCK = 256; // rows

    private final HostRows rows;
    private final Workers workers;

    HostColumnNorms(HostRows rows, Workers workers) {
        this.rows = rows;
        this.workers = workers;
    }

    /** Adds what a row has for each column to sums, of one kind or several. */
    @FunctionalInterface
    private interface Sum {
        void add(int row, float[][] sums, float[] a, float[] b);
    }

    /**
     * Sums over all joined rows: of each kind one for each channel.
     *
     * @param columns of a joined row, which has each channel once or several times
     */
    private double[][] sums(int kinds, int count, int columns, int channels, Sum sum) {
        int blocks = (count + BLOCK - 1) / BLOCK;
        float[][][] parts = new float[blocks][][];
        workers.forRange(blocks, 1, (from, to) -> {
            float[] a = Scratch.array(0, columns);
            float[] b = Scratch.array(1, columns);
            for (int block = from; block < to; block++) {
                float[][] part = new float[kinds][columns];
                for (int r = block * BLOCK; r < Math.min(count, (block + 1) * BLOCK); r++) {
                    sum.add(r, part, a, b);
                }
                parts[block] = part;
            }
        });
        double[][] all = new double[kinds][channels];
        for (float[][] part : parts) {
            for (int kind = 0; kind < kinds; kind++) {
                for (int i = 0; i < columns; i++) {
                    all[kind][i % channels] += part[kind][i];
                }
            }
        }
        return all;
    }

    private static float[] repeated(float[] values, int count) {
        float[] all = new float[values.length * count];
        for (int i = 0; i < count; i++) {
            System.arraycopy(values, 0, all, i * values.length, values.length);
        }
        return all;
    }

    void moments(Tensor given, Tensor mean, Tensor variance) {
        int count = HostRows.together(given);
        Tensor x = HostRows.joined(given, count);
        int channels = given.cols();
        int n = x.cols();
        double[] m = sums(1, x.rows(), n, channels, (r, sums, a, b) -> {
            float[] sum = sums[0];
            x.read(r, 0, a, 0, n);
            for (int i = 0; i < n; i++) {
                sum[i] += a[i];
            }
        })[0];
        float[] means = new float[channels];
        for (int i = 0; i < channels; i++) {
            m[i] /= given.rows();
            means[i] = (float) m[i];
        }
        float[] centre = repeated(means, count);
        double[] v = sums(1, x.rows(), n, channels, (r, sums, a, b) -> {
            float[] sum = sums[0];
            x.read(r, 0, a, 0, n);
            for (int i = 0; i < n; i++) {
                float d = a[i] - centre[i];
                sum[i] += d * d;
            }
        })[0];
        for (int i = 0; i < channels; i++) {
            mean.put(0, i, m[i]);
            variance.put(0, i, v[i] / given.rows());
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
            Tensor given,
            Tensor mean,
            Tensor variance,
            double eps,
            Tensor weight,
            Tensor bias,
            boolean isRectified,
            Tensor result) {
        int count = HostRows.together(given, result);
        Tensor x = HostRows.joined(given, count);
        Tensor y = HostRows.joined(result, count);
        int n = x.cols();
        float[] m = repeated(mean.toFloats(), count);
        float[] factors = deviations(variance, eps);
        float[] w = weight.toFloats();
        for (int i = 0; i < factors.length; i++) {
            factors[i] *= w[i];
        }
        float[] scale = repeated(factors, count);
        float[] shift = repeated(bias.toFloats(), count);
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
            Tensor dResult,
            Tensor given,
            Tensor mean,
            Tensor variance,
            double eps,
            Tensor weight,
            boolean ofBatch,
            @Nullable Tensor dGiven,
            boolean accumulate,
            @Nullable Tensor dWeight,
            @Nullable Tensor dBias) {
        int count = HostRows.together(given, dResult, dGiven == null ? given : dGiven);
        Tensor dy = HostRows.joined(dResult, count);
        Tensor x = HostRows.joined(given, count);
        int n = x.cols();
        float[] m = repeated(mean.toFloats(), count);
        float[] deviations = deviations(variance, eps);
        float[] rstd = repeated(deviations, count);
        double[][] sums = new double[2][given.cols()]; // Σ dy · x̂ and Σ dy
        if (ofBatch || dWeight != null) {
            sums = sums(2, x.rows(), n, given.cols(), (r, both, a, b) -> {
                float[] slope = both[0];
                x.read(r, 0, a, 0, n);
                dy.read(r, 0, b, 0, n);
                for (int i = 0; i < n; i++) {
                    slope[i] += b[i] * ((a[i] - m[i]) * rstd[i]);
                }
                addTo(both[1], b, n);
            });
        } else if (dBias != null) {
            sums[1] = sums(1, x.rows(), n, given.cols(), (r, shift, a, b) -> {
                dy.read(r, 0, b, 0, n);
                addTo(shift[0], b, n);
            })[0];
        }
        add(sums[0], dWeight);
        add(sums[1], dBias);
        if (dGiven != null) {
            float[] factors = weight.toFloats();
            for (int i = 0; i < factors.length; i++) {
                factors[i] *= deviations[i];
            }
            Tensor dx = HostRows.joined(dGiven, count);
            float[] factor = repeated(factors, count);
            if (ofBatch) {
                derive(
                        dy,
                        x,
                        m,
                        slopes(sums[0], deviations, given.rows(), count),
                        shifts(sums[1], given.rows(), count),
                        factor,
                        dx,
                        accumulate);
            } else {
                deriveFrozen(dy, factor, dx, accumulate);
            }
        }
    }

    private static void addTo(float[] sum, float[] more, int n) {
        for (int i = 0; i < n; i++) {
            sum[i] += more[i];
        }
    }

    /** {@code rstd · mean(dy · x̂)}, for each element of a joined row. */
    private static float[] slopes(double[] sums, float[] rstd, int rows, int count) {
        float[] slopes = new float[sums.length];
        for (int i = 0; i < sums.length; i++) {
            slopes[i] = (float) (sums[i] / rows) * rstd[i];
        }
        return repeated(slopes, count);
    }

    /** {@code mean(dy)}, for each element of a joined row. */
    private static float[] shifts(double[] sums, int rows, int count) {
        float[] shifts = new float[sums.length];
        for (int i = 0; i < sums.length; i++) {
            shifts[i] = (float) (sums[i] / rows);
        }
        return repeated(shifts, count);
    }

    /** {@code dx = w · rstd · (dy - mean(dy) - x̂ · mean(dy · x̂))}. */
    private void derive(
            Tensor dy,
            Tensor x,
            float[] m,
            float[] slope,
            float[] shift,
            float[] factor,
            Tensor dx,
            boolean accumulate) {
        int n = x.cols();
        rows.run(x, (r, a, b, c) -> {
            dy.read(r, 0, b, 0, n);
            x.read(r, 0, a, 0, n);
            for (int i = 0; i < n; i++) {
                b[i] = (b[i] - (shift[i] + (a[i] - m[i]) * slope[i])) * factor[i];
            }
            HostRows.writeOrAdd(dx, r, b, c, n, accumulate);
        });
    }

    /** {@code dx = w · rstd · dy}: statistics that are not those of x are no functions of it. */
    private void deriveFrozen(Tensor dy, float[] factor, Tensor dx, boolean accumulate) {
        int n = dy.cols();
        rows.run(dy, (r, a, b, c) -> {
            dy.read(r, 0, b, 0, n);
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
