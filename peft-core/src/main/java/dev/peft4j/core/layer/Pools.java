package dev.peft4j.core.layer;

import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.autograd.Products;
import dev.peft4j.core.tensor.ImageKernels;
import dev.peft4j.core.tensor.Patches;
import dev.peft4j.core.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

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

    /**
     * The means of each channel in parts of the images that are as even as can be, and overlap where they are not (PyTorch's {@code AdaptiveAvgPool2d}).
     *
     * @param height rows of the result
     * @param width pixels of its rows
     */
    public static FeatureMap adaptiveMeans(Pass pass, FeatureMap x, int height, int width) {
        if (height == x.height() && width == x.width()) {
            return x;
        }
        int[] starts = new int[x.images() * height * width + 1];
        List<Integer> pixels = new ArrayList<>();
        for (int i = 0; i < starts.length - 1; i++) {
            int row = i / width % height;
            int column = i % width;
            int base = i / (height * width) * x.height() * x.width();
            for (int r = row * x.height() / height; r * height < (row + 1) * x.height(); r++) {
                for (int c = column * x.width() / width; c * width < (column + 1) * x.width(); c++) {
                    pixels.add(base + r * x.width() + c);
                }
            }
            starts[i + 1] = pixels.size();
        }
        int mark = pass.begin();
        Node read = Functions.rows(
                pass, x.pixels(), pixels.stream().mapToInt(Integer::intValue).toArray());
        Node means = pass.end(mark, Functions.means(pass, read, starts));
        return new FeatureMap(means, x.images(), height, width);
    }

    /** All channels of an image as one row, channel by channel: (N, C · height · width). */
    public static Node flat(Pass pass, FeatureMap x) {
        int taps = x.height() * x.width();
        Node in = x.pixels();
        ImageKernels images = pass.backend().kernels().images();
        Node y = pass.node(pass.allocate(x.images(), x.channels() * taps));
        pass.backend().kernels().fillRows(null, y.value());
        images.addChannelsLast(taps, in.value().reshape(x.images(), x.channels() * taps), y.value());
        if (pass.needsGrad(in)) {
            pass.record(y, () -> {
                Tensor dx = pass.allocate(in.value().rows(), in.value().cols());
                images.channelsLast(taps, y.grad(), dx.reshape(x.images(), x.channels() * taps));
                pass.addGrad(in, dx);
            });
        }
        return y;
    }

    /** Each channel of each image times a number: x (N · height · width, C), factors (N, C). */
    public static FeatureMap scaled(Pass pass, FeatureMap x, Node factors) {
        int[] image = new int[x.images() * x.height() * x.width()];
        Arrays.setAll(image, i -> i / (x.height() * x.width()));
        return x.with(Products.elementwise(pass, x.pixels(), Functions.rows(pass, factors, image)));
    }
}
