package dev.peft4j.core.tensor;

import static dev.peft4j.core.tensor.Nd4jArrays.array;
import static dev.peft4j.core.tensor.Nd4jArrays.repeated;
import static dev.peft4j.core.tensor.Nd4jArrays.rows;
import static dev.peft4j.core.tensor.Nd4jArrays.run;
import static dev.peft4j.core.tensor.Nd4jArrays.scoped;
import static dev.peft4j.core.tensor.Nd4jArrays.store;

import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.ops.transforms.Transforms;

/** Kernels as compositions of ND4J operations, close to the formulas: the readable reference, and the way to other backends. */
final class Nd4jKernels implements Kernels {
    private final ImageKernels images = new Nd4jImages();

    @Override
    public ImageKernels images() {
        return images;
    }

    @Override
    public void writeRows(Tensor to, RowTarget.Writer writer) {
        RowTarget.write(to, 0, to.rows(), writer);
    }

    @Override
    public void copy(Tensor x, Tensor y) {
        run(() -> store(array(x), y));
    }

    @Override
    public void fill(double value, Tensor y) {
        y.fill(value);
    }

    @Override
    public void add(Tensor a, Tensor b, Tensor y) {
        run(() -> store(array(a).addi(array(b)), y));
    }

    @Override
    public void addScaled(double factor, Tensor x, Tensor y) {
        run(() -> store(array(y).addi(array(x).muli(factor)), y));
    }

    @Override
    public void scale(double factor, Tensor x) {
        run(() -> store(array(x).muli(factor), x));
    }

    @Override
    public void multiply(Tensor a, Tensor b, Tensor y) {
        run(() -> store(array(a).muli(array(b)), y));
    }

    @Override
    public void abs(Tensor x, Tensor y) {
        run(() -> store(Transforms.abs(array(x)), y));
    }

    @Override
    public void power(double exponent, Tensor x, Tensor y) {
        run(() -> store(Transforms.pow(array(x), exponent), y));
    }

    @Override
    public double dot(Tensor a, Tensor b) {
        return scoped(() -> array(a).muli(array(b)).sumNumber().doubleValue());
    }

    @Override
    public void fillRows(@Nullable Tensor bias, Tensor y) {
        for (int r = 0; r < y.rows(); r++) {
            if (bias == null) {
                y.rows(r, 1).fill(0);
            } else {
                y.rows(r, 1).copyFrom(bias);
            }
        }
    }

    @Override
    public void addColumnSums(Tensor x, Tensor sum) {
        run(() -> store(array(x).sum(true, 0), sum, true));
    }

    @Override
    public void scaleColumns(Tensor x, Tensor factors, Tensor y) {
        run(() -> store(array(x).muli(repeated(factors, x.rows())), y));
    }

    @Override
    public void scaleRows(Tensor x, Tensor factors, Tensor y) {
        run(() -> store(array(x).muliColumnVector(array(factors).reshape(x.rows(), 1)), y));
    }

    @Override
    public void addRowDots(double factor, Tensor x, Tensor y, Tensor sum) {
        run(() -> store(array(x).muli(array(y)).sum(true, 1).muli(factor).reshape(1, x.rows()), sum, true));
    }

    @Override
    public void addColumnDots(Tensor x, Tensor y, Tensor factors, Tensor sum) {
        run(() -> store(array(x).muli(array(y)).sum(true, 0).muli(array(factors)), sum, true));
    }

    @Override
    public void gather(int[] ids, Tensor table, Tensor y) {
        for (int r = 0; r < ids.length; r++) {
            y.rows(r, 1).copyFrom(table.rows(ids[r], 1));
        }
    }

    @Override
    public void scatter(int[] ids, Tensor x, Tensor table) {
        Nd4jSelection.scatter(ids, x, table);
    }

    @Override
    public void gatherColumns(int[] ids, Tensor table, Tensor y) {
        Nd4jSelection.gatherColumns(ids, table, y);
    }

    @Override
    public void scatterColumns(int[] ids, Tensor x, Tensor table) {
        Nd4jSelection.scatterColumns(ids, x, table, false);
    }

    @Override
    public void scatterAddColumns(int[] ids, Tensor x, Tensor table) {
        Nd4jSelection.scatterColumns(ids, x, table, true);
    }

    @Override
    public int[] argmax(Tensor x) {
        return Nd4jSelection.argmax(x);
    }

    @Override
    public void scatterAdd(int[] ids, Tensor x, Tensor table) {
        for (int r = 0; r < ids.length; r++) {
            addScaled(1, x.rows(r, 1), table.rows(ids[r], 1));
        }
    }

    @Override
    public void layerNorm(Tensor x, Tensor weight, Tensor bias, double eps, Tensor y, Tensor stats) {
        Nd4jNorms.layerNorm(x, weight, bias, eps, y, stats);
    }

    @Override
    public void layerNormBackward(
            Tensor dy,
            Tensor x,
            Tensor weight,
            Tensor stats,
            @Nullable Tensor dx,
            boolean accumulate,
            @Nullable Tensor dWeight,
            @Nullable Tensor dBias) {
        Nd4jNorms.layerNormBackward(dy, x, weight, stats, dx, accumulate, dWeight, dBias);
    }

    @Override
    public void rmsNorm(Tensor x, Tensor weight, double eps, Tensor y, Tensor stats) {
        Nd4jNorms.rmsNorm(x, weight, eps, y, stats);
    }

    @Override
    public void rmsNormBackward(
            Tensor dy,
            Tensor x,
            Tensor weight,
            Tensor stats,
            @Nullable Tensor dx,
            boolean accumulate,
            @Nullable Tensor dWeight) {
        Nd4jNorms.rmsNormBackward(dy, x, weight, stats, dx, accumulate, dWeight);
    }

    @Override
    public void activation(Activation f, Tensor x, Tensor y) {
        run(() -> store(Nd4jActivations.value(f, array(x)), y));
    }

    @Override
    public void activationBackward(Activation f, Tensor dy, Tensor x, Tensor dx, boolean accumulate) {
        run(() -> store(Nd4jActivations.slope(f, array(x)).muli(array(dy)), dx, accumulate));
    }

    @Override
    public void swiGlu(Tensor gate, Tensor up, Tensor y) {
        run(() -> store(Nd4jActivations.value(Activation.SILU, array(gate)).muli(array(up)), y));
    }

    @Override
    public void swiGluBackward(
            Tensor dy,
            Tensor gate,
            Tensor up,
            @Nullable Tensor dGate,
            boolean accumulateGate,
            @Nullable Tensor dUp,
            boolean accumulateUp) {
        run(() -> {
            INDArray g = array(dy);
            INDArray x = array(gate);
            if (dUp != null) {
                store(Nd4jActivations.value(Activation.SILU, x).muli(g), dUp, accumulateUp);
            }
            if (dGate != null) {
                store(Nd4jActivations.slope(Activation.SILU, x).muli(array(up)).muli(g), dGate, accumulateGate);
            }
        });
    }

    @Override
    public void dropout(double p, long seed, Tensor x, Tensor y) {
        for (int r = 0; r < x.rows(); r++) {
            for (int c = 0; c < x.cols(); c++) {
                y.set(r, c, Dropout.drops(p, seed, r * x.cols() + c) ? 0 : x.get(r, c) / (1 - p));
            }
        }
    }

    @Override
    public void rotate(Tensor x, int heads, int[] positions, Tensor cosines, Tensor sines, boolean inverse) {
        int half = cosines.cols();
        int size = x.cols() / heads;
        run(() -> {
            INDArray rotated = array(x);
            INDArray cos = rows(cosines, positions);
            INDArray sin = rows(sines, positions).muli(inverse ? -1 : 1);
            for (int h = 0; h < heads; h++) {
                INDArray u = columns(rotated, h * size, half).dup();
                INDArray v = columns(rotated, h * size + half, half).dup();
                columns(rotated, h * size, half).assign(u.mul(cos).subi(v.mul(sin)));
                columns(rotated, h * size + half, half).assign(v.mul(cos).addi(u.mul(sin)));
            }
            store(rotated, x);
        });
    }

    private static INDArray columns(INDArray x, int from, int count) {
        return x.get(NDArrayIndex.all(), NDArrayIndex.interval(from, from + count));
    }

    @Override
    public void attention(
            AttentionShape s, Tensor q, Tensor k, Tensor v, @Nullable Distances distances, Tensor stats, Tensor y) {
        Nd4jAttention.forward(s, q, k, v, distances, stats, y);
    }

    @Override
    public void attentionBackward(
            AttentionShape s,
            Tensor dy,
            Tensor q,
            Tensor k,
            Tensor v,
            @Nullable Distances distances,
            Tensor stats,
            Tensor y,
            Tensor dq,
            Tensor dk,
            Tensor dv,
            @Nullable Tensor dQueries,
            @Nullable Tensor dKeys) {
        Nd4jDistances added = distances == null ? null : new Nd4jDistances(s, distances, dQueries, dKeys);
        Nd4jAttention.backward(s, dy, q, k, v, added, stats, y, dq, dk, dv);
    }

    @Override
    public double crossEntropy(Tensor logits, int[] labels, double scale) {
        return Nd4jLosses.crossEntropy(logits, labels, scale);
    }

    @Override
    public double squaredError(Tensor z, float[] targets, double scale, @Nullable Tensor dz) {
        return Nd4jLosses.squaredError(z, targets, scale, dz);
    }

    @Override
    public double binaryCrossEntropy(Tensor z, float[] targets, double scale, @Nullable Tensor dz) {
        return Nd4jLosses.binaryCrossEntropy(z, targets, scale, dz);
    }

    @Override
    public double sumOfSquares(Tensor x) {
        return dot(x, x);
    }

    @Override
    public void adamW(
            Tensor value,
            Tensor grad,
            Tensor m,
            Tensor v,
            double rate,
            double beta1,
            double beta2,
            double eps,
            double decay,
            int step) {
        run(() -> {
            INDArray g = array(grad);
            INDArray mean = array(m).muli(beta1).addi(g.mul(1 - beta1));
            INDArray square = array(v).muli(beta2).addi(g.mul(g).muli(1 - beta2));
            INDArray denominator = Transforms.sqrt(square.div(1 - Math.pow(beta2, step)), false)
                    .addi(eps);
            INDArray change = mean.div(denominator).muli(rate / (1 - Math.pow(beta1, step)));
            store(array(value).muli(1 - rate * decay).subi(change), value);
            store(mean, m);
            store(square, v);
        });
    }
}
