package dev.peft4j.core.tensor;

import org.jspecify.annotations.Nullable;

/** Layer norm and RMS norm as row kernels; see {@link Kernels}. */
final class HostNorms {
    private final HostRows rows;

    HostNorms(HostRows rows) {
        this.rows = rows;
    }

    void layerNorm(Tensor x, Tensor weight, Tensor bias, double eps, Tensor y, Tensor stats) {
        int n = x.cols();
        float[] w = weight.toFloats();
        float[] shift = bias.toFloats();
        rows.run(x, (r, a, b, c) -> {
            x.read(r, 0, a, 0, n);
            float mean = FastMath.sum(a, n) / n;
            for (int i = 0; i < n; i++) {
                a[i] -= mean;
            }
            float rstd = (float) (1 / Math.sqrt(FastMath.dot(a, a, n) / n + eps));
            for (int i = 0; i < n; i++) {
                a[i] = a[i] * rstd * w[i] + shift[i];
            }
            y.write(r, 0, a, 0, n);
            stats.put(r, 0, mean);
            stats.put(r, 1, rstd);
        });
    }

    void layerNormBackward(
            Tensor dy,
            Tensor x,
            Tensor weight,
            Tensor stats,
            @Nullable Tensor dx,
            boolean accumulate,
            @Nullable Tensor dWeight) {
        int n = x.cols();
        if (dWeight != null) {
            float[] sum = dWeight.toFloats();
            float[] row = new float[n];
            float[] g = new float[n];
            for (int r = 0; r < x.rows(); r++) {
                x.read(r, 0, row, 0, n);
                dy.read(r, 0, g, 0, n);
                float mean = (float) stats.value(r, 0);
                float rstd = (float) stats.value(r, 1);
                for (int i = 0; i < n; i++) {
                    sum[i] += g[i] * ((row[i] - mean) * rstd); // dw = Σ dy · x̂
                }
            }
            dWeight.set(sum);
        }
        if (dx == null) {
            return;
        }
        float[] w = weight.toFloats();
        rows.run(x, (r, a, b, c) -> {
            float mean = (float) stats.value(r, 0);
            float rstd = (float) stats.value(r, 1);
            x.read(r, 0, a, 0, n);
            dy.read(r, 0, b, 0, n);
            for (int i = 0; i < n; i++) {
                a[i] = (a[i] - mean) * rstd; // x̂
                b[i] *= w[i];
            }
            // dx = rstd · (dx̂ - mean(dx̂) - x̂ · mean(dx̂ · x̂))
            float meanB = FastMath.sum(b, n) / n;
            float meanBA = FastMath.dot(a, b, n) / n;
            for (int i = 0; i < n; i++) {
                b[i] = rstd * (b[i] - meanB - a[i] * meanBA);
            }
            HostRows.writeOrAdd(dx, r, b, c, n, accumulate);
        });
    }

    void rmsNorm(Tensor x, Tensor weight, double eps, Tensor y, Tensor stats) {
        int n = x.cols();
        float[] w = weight.toFloats();
        rows.run(x, (r, a, b, c) -> {
            x.read(r, 0, a, 0, n);
            float rstd = (float) (1 / Math.sqrt(FastMath.dot(a, a, n) / n + eps));
            for (int i = 0; i < n; i++) {
                a[i] = a[i] * rstd * w[i];
            }
            y.write(r, 0, a, 0, n);
            stats.put(r, 0, rstd);
        });
    }

    void rmsNormBackward(
            Tensor dy,
            Tensor x,
            Tensor weight,
            Tensor stats,
            @Nullable Tensor dx,
            boolean accumulate,
            @Nullable Tensor dWeight) {
        int n = x.cols();
        if (dWeight != null) {
            float[] sum = dWeight.toFloats();
            float[] row = new float[n];
            float[] g = new float[n];
            for (int r = 0; r < x.rows(); r++) {
                x.read(r, 0, row, 0, n);
                dy.read(r, 0, g, 0, n);
                float rstd = (float) stats.value(r, 0);
                for (int i = 0; i < n; i++) {
                    sum[i] += g[i] * (row[i] * rstd);
                }
            }
            dWeight.set(sum);
        }
        if (dx == null) {
            return;
        }
        float[] w = weight.toFloats();
        rows.run(x, (r, a, b, c) -> {
            float rstd = (float) stats.value(r, 0);
            x.read(r, 0, a, 0, n);
            dy.read(r, 0, b, 0, n);
            for (int i = 0; i < n; i++) {
                a[i] *= rstd;
                b[i] *= w[i];
            }
            float meanBA = FastMath.dot(a, b, n) / n;
            for (int i = 0; i < n; i++) {
                b[i] = rstd * (b[i] - a[i] * meanBA); // dx = rstd · (dx̂ - x̂ · mean(dx̂ · x̂))
            }
            HostRows.writeOrAdd(dx, r, b, c, n, accumulate);
        });
    }
}
