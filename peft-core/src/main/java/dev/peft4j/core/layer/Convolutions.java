package dev.peft4j.core.layer;

import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.tensor.ImageKernels;
import dev.peft4j.core.tensor.MatrixEngine;
import dev.peft4j.core.tensor.Patches;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.core.weight.DenseWeight;
import dev.peft4j.core.weight.FrozenWeight;
import java.util.function.ObjIntConsumer;

/**
 * Convolutions, forwards and backwards: by the backend where it has them, else as products of patches and weights (Chellapilla et al. 2006). Patches are copied
 * for some rows of the result at a time; those of one pixel each are read in place. A channel that is a group of its own is convolved directly.
 */
public final class Convolutions {
    private static final int AT_ONCE = 1 << 22; // elements of copied patches

    // gradients of weights of so many channels are faster as products where the results of an image have fewer pixels
    // to sum over
    private static final int MANY_PIXELS = 512;
    private static final int MANY_CHANNELS = 256;

    private Convolutions() {}

    /**
     * {@code y = x * W + beta · y}, in place.
     *
     * @param matrices what products are computed with, there and back
     * @param p where the patches lie
     * @param groups parts of the channels that do not see each other
     * @param x (N · H · W, I)
     * @param weight (O, I / groups · taps), as in checkpoints
     * @param beta 0 or 1
     * @param y (N · H' · W', O)
     */
    public static void convolve(
            Pass pass, MatrixEngine matrices, Patches p, int groups, Node x, Node weight, double beta, Node y) {
        int mark = pass.begin();
        product(pass, matrices, p, groups, x.value(), weight.value(), beta, y.value());
        pass.end(mark);
        if (pass.needsGrad(x, weight)) {
            pass.record(
                    y,
                    () -> {
                        int start = pass.begin();
                        if (x.isTracked()) {
                            inputGradient(pass, matrices, p, groups, y.grad(), weight.value(), x);
                        }
                        if (weight.isTracked()) {
                            weightGradient(pass, matrices, p, groups, y.grad(), x.value(), weight);
                        }
                        pass.end(start);
                    },
                    x.value(),
                    weight.value());
        }
    }

    /** The same with a base weight (O, I / groups · taps); the way back reads nothing but that. */
    public static void frozen(Pass pass, Patches p, int groups, Node x, FrozenWeight weight, double beta, Node y) {
        MatrixEngine matrices = weight.products(pass.backend());
        int mark = pass.begin();
        product(pass, matrices, p, groups, x.value(), plain(pass, weight), beta, y.value());
        pass.end(mark);
        if (pass.needsGrad(x)) {
            pass.record(y, () -> {
                int start = pass.begin();
                inputGradient(pass, matrices, p, groups, y.grad(), plain(pass, weight), x);
                pass.end(start);
            });
        }
    }

    /** A weight as a matrix that products read. */
    private static Tensor plain(Pass pass, FrozenWeight weight) {
        if (weight instanceof DenseWeight dense) {
            return dense.tensor();
        }
        Tensor all = pass.allocate(weight.out(), weight.in());
        pass.backend().kernels().writeRows(all, weight::decodeRow);
        return all;
    }

    private static boolean isDepthwise(int groups, Tensor x, Tensor y) {
        return groups > 1 && groups == x.cols() && groups == y.cols();
    }

    /** Whether the backend computes a convolution itself. */
    private static boolean isDirect(Pass pass, MatrixEngine matrices, Patches p, int groups, Tensor x, Tensor y) {
        return groups == 1
                && matrices == pass.backend().matrices() // in 16 bits, there are products only
                && pass.backend().kernels().images().convolves(p, x, y);
    }

    /** {@code y = x * W + beta · y}. */
    private static void product(
            Pass pass, MatrixEngine matrices, Patches p, int groups, Tensor x, Tensor weight, double beta, Tensor y) {
        if (isDepthwise(groups, x, y)) {
            Tensor to = beta == 0 ? y : pass.allocate(y.rows(), y.cols());
            pass.backend().kernels().images().depthwise(p, x, weight, to);
            if (beta != 0) {
                pass.backend().kernels().add(to, y, y);
            }
            return;
        }
        if (isDirect(pass, matrices, p, groups, x, y) && weight.isContiguous()) {
            pass.backend().kernels().images().convolve(p, x, weight, beta, y);
            return;
        }
        Tensor w = turned(pass, p, weight);
        int in = x.cols() / groups;
        int out = y.cols() / groups;
        for (int g = 0; g < groups; g++) {
            Tensor mine = w.rows(g * out, out);
            Tensor to = y.columns(g * out, out);
            forEachPanel(
                    pass,
                    p,
                    x.columns(g * in, in),
                    true,
                    (patches, first) ->
                            matrices.gemm(false, true, 1, patches, mine, beta, to.rows(first, patches.rows())));
        }
    }

    /** The weight as patches are: pixels of the kernel, each with all channels. */
    private static Tensor turned(Pass pass, Patches p, Tensor weight) {
        if (p.taps() == 1) {
            return weight;
        }
        Tensor turned = pass.allocate(weight.rows(), weight.cols());
        pass.backend().kernels().images().channelsLast(p.taps(), weight, turned);
        return turned;
    }

    /** Goes through the patches of all images, some at a time; they are copied if that is asked for, else only memory for them is there. */
    private static void forEachPanel(Pass pass, Patches p, Tensor x, boolean copies, ObjIntConsumer<Tensor> action) {
        int all = x.rows() / p.pixels() * p.outPixels();
        if (p.isWhole()) {
            action.accept(x, 0);
            return;
        }
        int width = p.taps() * x.cols();
        int rows = Math.max(1, Math.min(all, AT_ONCE / width));
        rows = rows > p.outPixels() ? rows / p.outPixels() * p.outPixels() : rows; // whole images
        for (int first = 0; first < all; first += rows) {
            int mark = pass.begin();
            Tensor patches = pass.allocate(Math.min(rows, all - first), width);
            if (copies) {
                pass.backend().kernels().images().patches(p, first, x, patches);
            }
            action.accept(patches, first);
            pass.end(mark);
        }
    }

    static void zeroIfFresh(Pass pass, Node node) {
        if (node.isTracked() && !pass.prepareGrad(node)) {
            pass.backend().kernels().fillRows(null, node.grad());
        }
    }

    /** {@code dx += dy W}, each patch where it was copied from. */
    private static void inputGradient(
            Pass pass, MatrixEngine matrices, Patches p, int groups, Tensor dy, Tensor weight, Node x) {
        ImageKernels images = pass.backend().kernels().images();
        if (isDepthwise(groups, x.value(), dy)) {
            zeroIfFresh(pass, x);
            images.depthwiseBackward(p, dy, x.value(), weight, x.grad(), null);
            return;
        }
        if (isDirect(pass, matrices, p, groups, x.value(), dy) && weight.isContiguous()) {
            boolean adds = pass.prepareGrad(x);
            Tensor dx = adds ? pass.allocate(x.value().rows(), x.value().cols()) : x.grad();
            images.convolveBackward(p, dy, weight, dx);
            if (adds) {
                pass.backend().kernels().add(x.grad(), dx, x.grad());
            }
            return;
        }
        boolean whole = p.isWhole() && groups == 1;
        double beta = whole && !pass.prepareGrad(x) ? 0 : 1;
        if (!whole) {
            zeroIfFresh(pass, x);
        }
        Tensor w = turned(pass, p, weight);
        int in = x.value().cols() / groups;
        int out = dy.cols() / groups;
        for (int g = 0; g < groups; g++) {
            Tensor mine = w.rows(g * out, out);
            Tensor from = dy.columns(g * out, out);
            Tensor to = x.grad().columns(g * in, in);
            forEachPanel(pass, p, to, false, (patches, first) -> {
                Tensor some = from.rows(first, patches.rows());
                matrices.gemm(false, false, 1, some, mine, p.isWhole() ? beta : 0, patches);
                if (!p.isWhole()) {
                    images.addPatches(p, first, patches, to);
                }
            });
        }
    }

    /** {@code dW += dyᵀ patches}. */
    private static void weightGradient(
            Pass pass, MatrixEngine matrices, Patches p, int groups, Tensor dy, Tensor x, Node weight) {
        zeroIfFresh(pass, weight);
        if (isDepthwise(groups, x, dy)) {
            pass.backend().kernels().images().depthwiseBackward(p, dy, x, weight.value(), null, weight.grad());
            return;
        }
        boolean plain = p.taps() == 1;
        boolean isProduct = p.outPixels() < MANY_PIXELS && Math.min(x.cols(), dy.cols()) >= MANY_CHANNELS;
        if (!isProduct
                && isDirect(pass, matrices, p, groups, x, dy)
                && weight.grad().isContiguous()) {
            pass.backend().kernels().images().addConvolvedWeight(p, dy, x, weight.grad());
            return;
        }
        Tensor dw = plain
                ? weight.grad()
                : pass.allocate(weight.value().rows(), weight.value().cols());
        if (!plain) {
            pass.backend().kernels().fillRows(null, dw);
        }
        int in = x.cols() / groups;
        int out = dy.cols() / groups;
        for (int g = 0; g < groups; g++) {
            Tensor to = dw.rows(g * out, out);
            Tensor from = dy.columns(g * out, out);
            forEachPanel(
                    pass,
                    p,
                    x.columns(g * in, in),
                    true,
                    (patches, first) ->
                            matrices.gemm(true, false, 1, from.rows(first, patches.rows()), patches, 1, to));
        }
        if (!plain) {
            pass.backend().kernels().images().addChannelsLast(p.taps(), dw, weight.grad());
        }
    }
}
