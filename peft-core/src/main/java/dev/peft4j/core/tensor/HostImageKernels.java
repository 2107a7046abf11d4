package dev.peft4j.core.tensor;

import org.jspecify.annotations.Nullable;

/** {@link ImageKernels} in plain Java, row by row. */
final class HostImageKernels implements ImageKernels {
    private final HostPatches patches;
    private final HostPools pools;
    private final HostColumnNorms norms;

    HostImageKernels(HostRows rows, Workers workers) {
        this.patches = new HostPatches(rows, workers);
        this.pools = new HostPools(rows, workers);
        this.norms = new HostColumnNorms(rows, workers);
    }

    @Override
    public void patches(Patches p, int first, Tensor x, Tensor columns) {
        patches.copy(p, first, x, columns);
    }

    @Override
    public void addPatches(Patches p, int first, Tensor columns, Tensor dx) {
        patches.add(p, first, columns, dx);
    }

    @Override
    public void channelsLast(int taps, Tensor weight, Tensor turned) {
        patches.turn(taps, weight, turned);
    }

    @Override
    public void addChannelsLast(int taps, Tensor turned, Tensor weight) {
        patches.addTurned(taps, turned, weight);
    }

    @Override
    public void depthwise(Patches p, Tensor x, Tensor weight, Tensor y) {
        pools.depthwise(p, x, weight, y);
    }

    @Override
    public void depthwiseBackward(
            Patches p, Tensor dy, Tensor x, Tensor weight, @Nullable Tensor dx, @Nullable Tensor dWeight) {
        pools.depthwiseBackward(p, dy, x, weight, dx, dWeight);
    }

    @Override
    public void maxPool(Patches p, Tensor x, Tensor y) {
        pools.max(p, x, y);
    }

    @Override
    public void maxPoolBackward(Patches p, Tensor dy, Tensor x, Tensor dx) {
        pools.maxBackward(p, dy, x, dx);
    }

    @Override
    public void columnMoments(Tensor x, Tensor mean, Tensor variance) {
        norms.moments(x, mean, variance);
    }

    @Override
    public void columnNorm(Tensor x, Tensor mean, Tensor variance, double eps, Tensor weight, Tensor bias, Tensor y) {
        norms.forward(x, mean, variance, eps, weight, bias, y);
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
        norms.backward(dy, x, mean, variance, eps, weight, ofBatch, dx, accumulate, dWeight, dBias);
    }
}
