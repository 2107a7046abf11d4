package dev.peft4j.core.tensor;

import static dev.peft4j.core.tensor.Guard.tensors;

import org.jspecify.annotations.Nullable;

/** {@link ImageKernels} in a {@link Guard}. */
final class GuardedImageKernels implements ImageKernels {
    private final ImageKernels kernels;
    private final Guard guard;

    GuardedImageKernels(ImageKernels kernels, Guard guard) {
        this.kernels = kernels;
        this.guard = guard;
    }

    @Override
    public void patches(Patches p, int first, Tensor x, Tensor columns) {
        guard.run(() -> kernels.patches(p, first, x, columns), tensors(x), tensors(columns));
    }

    @Override
    public void addPatches(Patches p, int first, Tensor columns, Tensor dx) {
        guard.run(() -> kernels.addPatches(p, first, columns, dx), tensors(columns), tensors(dx));
    }

    @Override
    public void channelsLast(int taps, Tensor weight, Tensor turned) {
        guard.run(() -> kernels.channelsLast(taps, weight, turned), tensors(weight), tensors(turned));
    }

    @Override
    public void addChannelsLast(int taps, Tensor turned, Tensor weight) {
        guard.run(() -> kernels.addChannelsLast(taps, turned, weight), tensors(turned), tensors(weight));
    }

    @Override
    public boolean convolves(Patches p, Tensor x, Tensor y) {
        return kernels.convolves(p, x, y);
    }

    @Override
    public void convolve(Patches p, Tensor x, Tensor weight, double beta, Tensor y) {
        guard.run(() -> kernels.convolve(p, x, weight, beta, y), tensors(x, weight), tensors(y));
    }

    @Override
    public void convolveBackward(Patches p, Tensor dy, Tensor weight, Tensor dx) {
        guard.run(() -> kernels.convolveBackward(p, dy, weight, dx), tensors(dy, weight), tensors(dx));
    }

    @Override
    public void addConvolvedWeight(Patches p, Tensor dy, Tensor x, Tensor dWeight) {
        guard.run(() -> kernels.addConvolvedWeight(p, dy, x, dWeight), tensors(dy, x), tensors(dWeight));
    }

    @Override
    public void depthwise(Patches p, Tensor x, Tensor weight, Tensor y) {
        guard.run(() -> kernels.depthwise(p, x, weight, y), tensors(x, weight), tensors(y));
    }

    @Override
    public void depthwiseBackward(
            Patches p, Tensor dy, Tensor x, Tensor weight, @Nullable Tensor dx, @Nullable Tensor dWeight) {
        guard.run(
                () -> kernels.depthwiseBackward(p, dy, x, weight, dx, dWeight),
                tensors(dy, x, weight),
                tensors(dx, dWeight));
    }

    @Override
    public void addRectified(Tensor x1, Tensor x2, Tensor y) {
        guard.run(() -> kernels.addRectified(x1, x2, y), tensors(x1, x2), tensors(y));
    }

    @Override
    public void maxPool(Patches p, Tensor x, Tensor y) {
        guard.run(() -> kernels.maxPool(p, x, y), tensors(x), tensors(y));
    }

    @Override
    public void maxPoolBackward(Patches p, Tensor dy, Tensor x, Tensor dx) {
        guard.run(() -> kernels.maxPoolBackward(p, dy, x, dx), tensors(dy, x), tensors(dx));
    }

    @Override
    public void columnMoments(Tensor x, Tensor mean, Tensor variance) {
        guard.run(() -> kernels.columnMoments(x, mean, variance), tensors(x), tensors(mean, variance));
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
        guard.run(
                () -> kernels.columnNorm(x, mean, variance, eps, weight, bias, isRectified, y),
                tensors(x, mean, variance, weight, bias),
                tensors(y));
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
        guard.run(
                () -> kernels.columnNormBackward(
                        dy, x, mean, variance, eps, weight, ofBatch, dx, accumulate, dWeight, dBias),
                tensors(dy, x, mean, variance, weight),
                tensors(dx, dWeight, dBias));
    }
}
