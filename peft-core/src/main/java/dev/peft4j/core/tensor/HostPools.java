package dev.peft4j.core.tensor;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Kernels that look at the pixels of a patch one after the other, on the host: pooling, and convolutions of single channels. */
final class HostPools {
    private final HostRows rows;
    private final Workers workers;

    HostPools(HostRows rows, Workers workers) {
        this.rows = rows;
        this.workers = workers;
    }

    /** What is done with a pixel of a patch. */
    @FunctionalInterface
    private interface Visitor {
        void visit(int tap, int pixel);
    }

    /** Visits the pixels of a patch that lie in its image, row by row. */
    private static void forEachPixel(Patches p, int patch, Visitor visitor) {
        int image = patch / p.outPixels();
        int place = patch % p.outPixels();
        int column = p.column(place % p.outWidth());
        for (int i = 0; i < p.kernelHeight(); i++) {
            int row = p.row(place / p.outWidth(), i);
            if (row < 0 || row >= p.height()) {
                continue;
            }
            for (int j = Math.max(0, -column); j < Math.min(p.kernelWidth(), p.width() - column); j++) {
                visitor.visit(i * p.kernelWidth() + j, image * p.pixels() + row * p.width() + column + j);
            }
        }
    }

    void max(Patches p, Tensor x, Tensor y) {
        int n = y.cols();
        rows.run(y, (r, greatest, b, c) -> {
            Arrays.fill(greatest, 0, n, Float.NEGATIVE_INFINITY);
            forEachPixel(p, r, (tap, pixel) -> {
                x.read(pixel, 0, b, 0, n);
                for (int i = 0; i < n; i++) {
                    greatest[i] = Math.max(greatest[i], b[i]);
                }
            });
            y.write(r, 0, greatest, 0, n);
        });
    }

    void maxBackward(Patches p, Tensor dy, Tensor x, Tensor dx) {
        int n = dy.cols();
        workers.forRange(dy.rows() / p.outPixels(), 1, (from, to) -> {
            float[] greatest = Scratch.array(0, n);
            float[] value = Scratch.array(1, n);
            float[] g = Scratch.array(2, n);
            int[] where = Scratch.ints(n);
            for (int r = from * p.outPixels(); r < to * p.outPixels(); r++) {
                Arrays.fill(greatest, 0, n, Float.NEGATIVE_INFINITY);
                Arrays.fill(where, 0, n, -1);
                forEachPixel(p, r, (tap, pixel) -> {
                    x.read(pixel, 0, value, 0, n);
                    for (int i = 0; i < n; i++) {
                        if (value[i] > greatest[i] || where[i] < 0) {
                            greatest[i] = value[i];
                            where[i] = pixel;
                        }
                    }
                });
                dy.read(r, 0, g, 0, n);
                for (int i = 0; i < n; i++) {
                    if (where[i] >= 0) {
                        dx.put(where[i], i, dx.value(where[i], i) + g[i]);
                    }
                }
            }
        });
    }

    /** The weight with its rows and columns exchanged: of each pixel of a patch all channels. */
    private static float[] byTap(Tensor weight) {
        int channels = weight.rows();
        int taps = weight.cols();
        float[] given = weight.toFloats();
        float[] turned = new float[given.length];
        for (int c = 0; c < channels; c++) {
            for (int t = 0; t < taps; t++) {
                turned[t * channels + c] = given[c * taps + t];
            }
        }
        return turned;
    }

    void depthwise(Patches p, Tensor x, Tensor weight, Tensor y) {
        int n = y.cols();
        float[] w = byTap(weight);
        rows.run(y, (r, sum, b, c) -> {
            Arrays.fill(sum, 0, n, 0f);
            forEachPixel(p, r, (tap, pixel) -> {
                x.read(pixel, 0, b, 0, n);
                System.arraycopy(w, tap * n, c, 0, n);
                for (int i = 0; i < n; i++) {
                    sum[i] += b[i] * c[i];
                }
            });
            y.write(r, 0, sum, 0, n);
        });
    }

    void depthwiseBackward(
            Patches p, Tensor dy, Tensor x, Tensor weight, @Nullable Tensor dx, @Nullable Tensor dWeight) {
        int n = dy.cols();
        int images = dy.rows() / p.outPixels();
        float[] w = byTap(weight);
        float[][] sums = new float[dWeight == null ? 0 : images][];
        workers.forRange(images, 1, (from, to) -> {
            float[] g = Scratch.array(0, n);
            float[] value = Scratch.array(1, n);
            float[] factor = Scratch.array(2, n);
            for (int image = from; image < to; image++) {
                float[] dw = new float[dWeight == null ? 0 : p.taps() * n];
                for (int r = image * p.outPixels(); r < (image + 1) * p.outPixels(); r++) {
                    dy.read(r, 0, g, 0, n);
                    forEachPixel(p, r, (tap, pixel) -> {
                        if (dWeight != null) {
                            x.read(pixel, 0, value, 0, n);
                            System.arraycopy(dw, tap * n, factor, 0, n);
                            for (int i = 0; i < n; i++) {
                                factor[i] += value[i] * g[i];
                            }
                            System.arraycopy(factor, 0, dw, tap * n, n);
                        }
                        if (dx != null) {
                            dx.read(pixel, 0, value, 0, n);
                            System.arraycopy(w, tap * n, factor, 0, n);
                            for (int i = 0; i < n; i++) {
                                value[i] += factor[i] * g[i];
                            }
                            dx.write(pixel, 0, value, 0, n);
                        }
                    });
                }
                if (dWeight != null) {
                    sums[image] = dw;
                }
            }
        });
        if (dWeight != null) {
            add(sums, p.taps(), dWeight);
        }
    }

    private static void add(float[][] sums, int taps, Tensor dWeight) {
        for (int c = 0; c < dWeight.rows(); c++) {
            for (int t = 0; t < taps; t++) {
                double all = dWeight.value(c, t);
                for (float[] sum : sums) {
                    all += sum[t * dWeight.rows() + c];
                }
                dWeight.put(c, t, all);
            }
        }
    }
}
