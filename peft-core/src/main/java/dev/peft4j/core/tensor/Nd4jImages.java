package dev.peft4j.core.tensor;

import static dev.peft4j.core.tensor.Nd4jArrays.array;
import static dev.peft4j.core.tensor.Nd4jArrays.repeated;
import static dev.peft4j.core.tensor.Nd4jArrays.run;
import static dev.peft4j.core.tensor.Nd4jArrays.store;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.ops.transforms.Transforms;

/** {@link ImageKernels} close to the formulas, as the readable reference: pixel by pixel where patches are looked up, by ND4J operations where columns are normalised. */
final class Nd4jImages implements ImageKernels {

    /** What is done with a pixel of a patch. */
    @FunctionalInterface
    private interface Visitor {
        void visit(int tap, int pixel);
    }

    private static void forEachPixel(Patches p, int patch, Visitor visitor) {
        int image = patch / p.outPixels();
        int place = patch % p.outPixels();
        for (int tap = 0; tap < p.taps(); tap++) {
            int row = p.row(place / p.outWidth(), tap / p.kernelWidth());
            int column = p.column(place % p.outWidth()) + tap % p.kernelWidth();
            if (row >= 0 && row < p.height() && column >= 0 && column < p.width()) {
                visitor.visit(tap, image * p.pixels() + row * p.width() + column);
            }
        }
    }

    @Override
    public void patches(Patches p, int first, Tensor x, Tensor columns) {
        int n = x.cols();
        columns.fill(0);
        for (int r = 0; r < columns.rows(); r++) {
            Tensor patch = columns.rows(r, 1);
            forEachPixel(p, first + r, (tap, pixel) -> patch.columns(tap * n, n).copyFrom(x.rows(pixel, 1)));
        }
    }

    @Override
    public void addPatches(Patches p, int first, Tensor columns, Tensor dx) {
        int n = dx.cols();
        for (int r = 0; r < columns.rows(); r++) {
            int row = r;
            forEachPixel(p, first + r, (tap, pixel) -> {
                for (int c = 0; c < n; c++) {
                    dx.set(pixel, c, dx.get(pixel, c) + columns.get(row, tap * n + c));
                }
            });
        }
    }

    @Override
    public void channelsLast(int taps, Tensor weight, Tensor turned) {
        int channels = weight.cols() / taps;
        for (int i = 0; i < weight.cols(); i++) {
            turned.columns(i % taps * channels + i / taps, 1).copyFrom(weight.columns(i, 1));
        }
    }

    @Override
    public void addChannelsLast(int taps, Tensor turned, Tensor weight) {
        int channels = weight.cols() / taps;
        for (int r = 0; r < weight.rows(); r++) {
            for (int i = 0; i < weight.cols(); i++) {
                double more = turned.get(r, i % taps * channels + i / taps);
                weight.set(r, i, weight.get(r, i) + more);
            }
        }
    }

    @Override
    public void depthwise(Patches p, Tensor x, Tensor weight, Tensor y) {
        y.fill(0);
        for (int r = 0; r < y.rows(); r++) {
            int row = r;
            forEachPixel(p, r, (tap, pixel) -> {
                for (int c = 0; c < y.cols(); c++) {
                    y.set(row, c, y.get(row, c) + weight.get(c, tap) * x.get(pixel, c));
                }
            });
        }
    }

    @Override
    public void depthwiseBackward(
            Patches p, Tensor dy, Tensor x, Tensor weight, @Nullable Tensor dx, @Nullable Tensor dWeight) {
        for (int r = 0; r < dy.rows(); r++) {
            int row = r;
            forEachPixel(p, r, (tap, pixel) -> {
                for (int c = 0; c < dy.cols(); c++) {
                    double g = dy.get(row, c);
                    if (dx != null) {
                        dx.set(pixel, c, dx.get(pixel, c) + weight.get(c, tap) * g);
                    }
                    if (dWeight != null) {
                        dWeight.set(c, tap, dWeight.get(c, tap) + x.get(pixel, c) * g);
                    }
                }
            });
        }
    }

    @Override
    public void addRectified(Tensor x1, Tensor x2, Tensor y) {
        run(() -> store(Transforms.relu(array(x1).add(array(x2))), y));
    }

    @Override
    public void maxPool(Patches p, Tensor x, Tensor y) {
        y.fill(Double.NEGATIVE_INFINITY);
        for (int r = 0; r < y.rows(); r++) {
            int row = r;
            forEachPixel(p, r, (tap, pixel) -> {
                for (int c = 0; c < y.cols(); c++) {
                    y.set(row, c, Math.max(y.get(row, c), x.get(pixel, c)));
                }
            });
        }
    }

    @Override
    public void maxPoolBackward(Patches p, Tensor dy, Tensor x, Tensor dx) {
        int[] where = new int[dy.cols()];
        for (int r = 0; r < dy.rows(); r++) {
            Arrays.fill(where, -1);
            forEachPixel(p, r, (tap, pixel) -> {
                for (int c = 0; c < dy.cols(); c++) {
                    if (where[c] < 0 || x.get(pixel, c) > x.get(where[c], c)) {
                        where[c] = pixel;
                    }
                }
            });
            for (int c = 0; c < dy.cols(); c++) {
                if (where[c] >= 0) {
                    dx.set(where[c], c, dx.get(where[c], c) + dy.get(r, c));
                }
            }
        }
    }

    @Override
    public void columnMoments(Tensor x, Tensor mean, Tensor variance) {
        run(() -> {
            INDArray in = array(x);
            INDArray m = in.mean(true, 0);
            store(m, mean);
            INDArray centred = in.sub(repeated(mean, x.rows()));
            store(centred.mul(centred).mean(true, 0), variance);
        });
    }

    private static INDArray deviations(Tensor variance, double eps, int rows) {
        return Transforms.pow(repeated(variance, rows).addi(eps), -0.5);
    }

    @Override
    public void columnNorm(
            Tensor x,
            Tensor mean,
            Tensor variance,
            double eps,
            Tensor weight,
            Tensor bias,
            boolean isRectified,
            Tensor y) {
        int n = x.rows();
        run(() -> {
            INDArray out = array(x).subi(repeated(mean, n))
                    .muli(deviations(variance, eps, n))
                    .muli(repeated(weight, n))
                    .addi(repeated(bias, n));
            store(isRectified ? Transforms.relu(out) : out, y);
        });
    }

    @Override
    public void columnNormBackward(
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
        int n = x.rows();
        run(() -> {
            INDArray g = array(dy);
            INDArray rstd = deviations(variance, eps, n);
            INDArray hat = array(x).subi(repeated(mean, n)).muli(rstd);
            INDArray bySlope = g.mul(hat).sum(true, 0);
            INDArray byShift = g.sum(true, 0);
            if (dWeight != null) {
                store(bySlope, dWeight, true);
            }
            if (dBias != null) {
                store(byShift, dBias, true);
            }
            if (dx != null) {
                INDArray out = g;
                if (ofBatch) {
                    INDArray slope = bySlope.div(n).repeat(0, n);
                    INDArray shift = byShift.div(n).repeat(0, n);
                    out = g.sub(shift).subi(hat.mul(slope));
                }
                store(out.mul(rstd).muli(repeated(weight, n)), dx, accumulate);
            }
        });
    }
}
