package dev.peft4j.core.tensor;

import dev.peft4j.core.tensor.HostConvolutions.Kind;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** {@link ImageKernels} in plain Java, row by row. */
final class HostImageKernels implements ImageKernels {
    private final HostRows rows;
    private final HostPatches patches;
    private final HostPools pools;
    private final HostColumnNorms norms;
    private final @Nullable HostDirectConvolutions convolutions;

    /** @param library what computes convolutions, or null */
    HostImageKernels(HostRows rows, Workers workers, @Nullable HostConvolutions library) {
        this.rows = rows;
        this.patches = new HostPatches(rows, workers);
        this.pools = new HostPools(rows, workers);
        this.norms = new HostColumnNorms(rows, workers);
        this.convolutions = library == null ? null : new HostDirectConvolutions(library, workers);
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
    public boolean convolves(Patches p, Tensor x, Tensor y) {
        return convolutions != null && HostDirectConvolutions.fits(p, x, y);
    }

    private HostDirectConvolutions convolutions() {
        return Objects.requireNonNull(convolutions, "convolves tells whether there are some");
    }

    @Override
    public void convolve(Patches p, Tensor x, Tensor weight, double beta, Tensor y) {
        convolutions().run(Kind.RESULT, p, x, weight, y, beta != 0);
    }

    @Override
    public void convolveBackward(Patches p, Tensor dy, Tensor weight, Tensor dx) {
        convolutions().run(Kind.INPUT_GRADIENT, p, dx, weight, dy, false);
    }

    @Override
    public void addConvolvedWeight(Patches p, Tensor dy, Tensor x, Tensor dWeight) {
        convolutions().addWeightGradient(p, dy, x, dWeight);
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
    public void addRectified(Tensor x1, Tensor x2, Tensor y) {
        int count = HostRows.together(x1, x2, y);
        Tensor first = HostRows.joined(x1, count);
        Tensor second = HostRows.joined(x2, count);
        Tensor sum = HostRows.joined(y, count);
        int n = sum.cols();
        rows.run(sum, (r, a, b, c) -> {
            first.read(r, 0, a, 0, n);
            second.read(r, 0, b, 0, n);
            for (int i = 0; i < n; i++) {
                a[i] = Math.max(0f, a[i] + b[i]);
            }
            sum.write(r, 0, a, 0, n);
        });
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
    public void columnNorm(
            Tensor x,
            Tensor mean,
            Tensor variance,
            double eps,
            Tensor weight,
            Tensor bias,
            boolean isRectified,
            Tensor y) {
        norms.forward(x, mean, variance, eps, weight, bias, isRectified, y);
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
