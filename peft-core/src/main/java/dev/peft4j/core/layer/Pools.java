package dev.peft4j.core.layer;

import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.tensor.ImageKernels;
import dev.peft4j.core.tensor.Patches;

/** Pooling of feature maps, forwards and backwards. */
public final class Pools {
    private Pools() {}

    /**
     * The greatest value of each channel in squares of pixels; what lies outside of an image does not count.
     *
     * @param kernel side of the squares
     * @param stride from one square to the next
     * @param padding rows and columns outside of the image on each side
     */
    public static FeatureMap max(Pass pass, FeatureMap x, int kernel, int stride, int padding) {
        Patches p = Patches.of(x.height(), x.width(), kernel, kernel, stride, padding);
        ImageKernels images = pass.backend().kernels().images();
        Node in = x.pixels();
        Node y = pass.node(pass.allocate(x.images() * p.outPixels(), x.channels()));
        images.maxPool(p, in.value(), y.value());
        if (pass.needsGrad(in)) {
            pass.record(
                    y,
                    () -> {
                        Convolutions.zeroIfFresh(pass, in);
                        images.maxPoolBackward(p, y.grad(), in.value(), in.grad());
                    },
                    in.value());
        }
        return new FeatureMap(y, x.images(), p.outHeight(), p.outWidth());
    }
}
