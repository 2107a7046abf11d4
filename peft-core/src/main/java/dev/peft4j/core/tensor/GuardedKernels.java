package dev.peft4j.core.tensor;

import static dev.peft4j.core.tensor.Guard.NONE;
import static dev.peft4j.core.tensor.Guard.tensors;

import org.jspecify.annotations.Nullable;

/** Kernels in a {@link Guard}: of each operation it knows which tensors are read and which are written. */
final class GuardedKernels implements Kernels {
    private final Kernels kernels;
    private final Guard guard;
    private final ImageKernels images;

    GuardedKernels(Kernels kernels, Guard guard) {
        this.kernels = kernels;
        this.guard = guard;
        this.images = new GuardedImageKernels(kernels.images(), guard);
    }

    @Override
    public ImageKernels images() {
        return images;
    }

    @Override
    public void writeRows(Tensor to, RowTarget.Writer writer) {
        guard.run(() -> kernels.writeRows(to, writer), NONE, tensors(to));
    }

    @Override
    public void copy(Tensor x, Tensor y) {
        guard.run(() -> kernels.copy(x, y), tensors(x), tensors(y));
    }

    @Override
    public void fill(double value, Tensor y) {
        guard.run(() -> kernels.fill(value, y), NONE, tensors(y));
    }

    @Override
    public void add(Tensor a, Tensor b, Tensor y) {
        guard.run(() -> kernels.add(a, b, y), tensors(a, b), tensors(y));
    }

    @Override
    public void addScaled(double factor, Tensor x, Tensor y) {
        guard.run(() -> kernels.addScaled(factor, x, y), tensors(x), tensors(y));
    }

    @Override
    public void scale(double factor, Tensor x) {
        guard.run(() -> kernels.scale(factor, x), NONE, tensors(x));
    }

    @Override
    public void multiply(Tensor a, Tensor b, Tensor y) {
        guard.run(() -> kernels.multiply(a, b, y), tensors(a, b), tensors(y));
    }

    @Override
    public void abs(Tensor x, Tensor y) {
        guard.run(() -> kernels.abs(x, y), tensors(x), tensors(y));
    }

    @Override
    public void power(double exponent, Tensor x, Tensor y) {
        guard.run(() -> kernels.power(exponent, x, y), tensors(x), tensors(y));
    }

    @Override
    public double dot(Tensor a, Tensor b) {
        return guard.get(() -> kernels.dot(a, b), tensors(a, b), NONE);
    }

    @Override
    public void fillRows(@Nullable Tensor bias, Tensor y) {
        guard.run(() -> kernels.fillRows(bias, y), tensors(bias), tensors(y));
    }

    @Override
    public void addColumnSums(Tensor x, Tensor sum) {
        guard.run(() -> kernels.addColumnSums(x, sum), tensors(x), tensors(sum));
    }

    @Override
    public void scaleColumns(Tensor x, Tensor factors, Tensor y) {
        guard.run(() -> kernels.scaleColumns(x, factors, y), tensors(x, factors), tensors(y));
    }

    @Override
    public void scaleRows(Tensor x, Tensor factors, Tensor y) {
        guard.run(() -> kernels.scaleRows(x, factors, y), tensors(x, factors), tensors(y));
    }

    @Override
    public void addRowDots(double factor, Tensor x, Tensor y, Tensor sum) {
        guard.run(() -> kernels.addRowDots(factor, x, y, sum), tensors(x, y), tensors(sum));
    }

    @Override
    public void addColumnDots(Tensor x, Tensor y, Tensor factors, Tensor sum) {
        guard.run(() -> kernels.addColumnDots(x, y, factors, sum), tensors(x, y, factors), tensors(sum));
    }

    @Override
    public void gather(int[] ids, Tensor table, Tensor y) {
        guard.run(() -> kernels.gather(ids, table, y), tensors(table), tensors(y));
    }

    @Override
    public void scatter(int[] ids, Tensor x, Tensor table) {
        guard.run(() -> kernels.scatter(ids, x, table), tensors(x), tensors(table));
    }

    @Override
    public void gatherColumns(int[] ids, Tensor table, Tensor y) {
        guard.run(() -> kernels.gatherColumns(ids, table, y), tensors(table), tensors(y));
    }

    @Override
    public void scatterColumns(int[] ids, Tensor x, Tensor table) {
        guard.run(() -> kernels.scatterColumns(ids, x, table), tensors(x), tensors(table));
    }

    @Override
    public void scatterAddColumns(int[] ids, Tensor x, Tensor table) {
        guard.run(() -> kernels.scatterAddColumns(ids, x, table), tensors(x), tensors(table));
    }

    @Override
    public int[] argmax(Tensor x) {
        int[] greatest = new int[x.rows()];
        guard.run(() -> System.arraycopy(kernels.argmax(x), 0, greatest, 0, greatest.length), tensors(x), NONE);
        return greatest;
    }

    @Override
    public void scatterAdd(int[] ids, Tensor x, Tensor table) {
        guard.run(() -> kernels.scatterAdd(ids, x, table), tensors(x), tensors(table));
    }

    @Override
    public void layerNorm(Tensor x, Tensor weight, Tensor bias, double eps, Tensor y, Tensor stats) {
        guard.run(() -> kernels.layerNorm(x, weight, bias, eps, y, stats), tensors(x, weight, bias), tensors(y, stats));
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
        guard.run(
                () -> kernels.layerNormBackward(dy, x, weight, stats, dx, accumulate, dWeight, dBias),
                tensors(dy, x, weight, stats),
                tensors(dx, dWeight, dBias));
    }

    @Override
    public void rmsNorm(Tensor x, Tensor weight, double eps, Tensor y, Tensor stats) {
        guard.run(() -> kernels.rmsNorm(x, weight, eps, y, stats), tensors(x, weight), tensors(y, stats));
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
        guard.run(
                () -> kernels.rmsNormBackward(dy, x, weight, stats, dx, accumulate, dWeight),
                tensors(dy, x, weight, stats),
                tensors(dx, dWeight));
    }

    @Override
    public void activation(Activation f, Tensor x, Tensor y) {
        guard.run(() -> kernels.activation(f, x, y), tensors(x), tensors(y));
    }

    @Override
    public void activationBackward(Activation f, Tensor dy, Tensor x, Tensor dx, boolean accumulate) {
        guard.run(() -> kernels.activationBackward(f, dy, x, dx, accumulate), tensors(dy, x), tensors(dx));
    }

    @Override
    public void swiGlu(Tensor gate, Tensor up, Tensor y) {
        guard.run(() -> kernels.swiGlu(gate, up, y), tensors(gate, up), tensors(y));
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
        guard.run(
                () -> kernels.swiGluBackward(dy, gate, up, dGate, accumulateGate, dUp, accumulateUp),
                tensors(dy, gate, up),
                tensors(dGate, dUp));
    }

    @Override
    public void dropout(double p, long seed, Tensor x, Tensor y) {
        guard.run(() -> kernels.dropout(p, seed, x, y), tensors(x), tensors(y));
    }

    @Override
    public void rotate(Tensor x, int heads, int[] positions, Tensor cosines, Tensor sines, boolean inverse) {
        guard.run(
                () -> kernels.rotate(x, heads, positions, cosines, sines, inverse),
                tensors(cosines, sines),
                tensors(x));
    }

    @Override
    public void attention(
            AttentionShape s, Tensor q, Tensor k, Tensor v, @Nullable Distances distances, Tensor stats, Tensor y) {
        Tensor queries = distances == null ? null : distances.queries();
        Tensor keys = distances == null ? null : distances.keys();
        guard.run(
                () -> kernels.attention(s, q, k, v, distances, stats, y),
                tensors(q, k, v, queries, keys),
                tensors(stats, y));
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
        Tensor queries = distances == null ? null : distances.queries();
        Tensor keys = distances == null ? null : distances.keys();
        guard.run(
                () -> kernels.attentionBackward(s, dy, q, k, v, distances, stats, y, dq, dk, dv, dQueries, dKeys),
                tensors(dy, q, k, v, queries, keys, stats, y),
                tensors(dq, dk, dv, dQueries, dKeys));
    }

    @Override
    public double crossEntropy(Tensor logits, int[] labels, double scale) {
        return guard.get(() -> kernels.crossEntropy(logits, labels, scale), NONE, tensors(logits));
    }

    @Override
    public double squaredError(Tensor z, float[] targets, double scale, @Nullable Tensor dz) {
        return guard.get(() -> kernels.squaredError(z, targets, scale, dz), tensors(z), tensors(dz));
    }

    @Override
    public double binaryCrossEntropy(Tensor z, float[] targets, double scale, @Nullable Tensor dz) {
        return guard.get(() -> kernels.binaryCrossEntropy(z, targets, scale, dz), tensors(z), tensors(dz));
    }

    @Override
    public double sumOfSquares(Tensor x) {
        return guard.get(() -> kernels.sumOfSquares(x), tensors(x), NONE);
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
        guard.run(
                () -> kernels.adamW(value, grad, m, v, rate, beta1, beta2, eps, decay, step),
                tensors(grad),
                tensors(value, m, v));
    }
}
