package dev.peft4j.core.tensor;

import dev.peft4j.core.tensor.HostConvolutions.Convolution;
import dev.peft4j.core.tensor.HostConvolutions.Kind;
import java.util.Arrays;

/**
 * Convolutions by a library. Images are cut into as many parts as {@link Strips} has, whoever computes them, so bits do not depend on the number of threads;
 * gradients of a weight are added in the order of the parts.
 */
final class HostDirectConvolutions {
    private static final ThreadMemory ARRANGED = new ThreadMemory(1 << 16);
    private static final int ALIGNMENT = 16; // elements: a cache line

    private final HostConvolutions library;
    private final Workers workers;

    HostDirectConvolutions(HostConvolutions library, Workers workers) {
        this.library = library;
        this.workers = workers;
    }

    /** Whether there is an image for each part, and the pixels lie one behind the other. */
    static boolean fits(Patches p, Tensor x, Tensor y) {
        return x.rows() / p.pixels() >= Strips.COUNT
                && x.isContiguous()
                && y.isContiguous()
                && x.dtype() == DType.F32
                && y.dtype() == DType.F32;
    }

    /** The convolution of a part, and where its weight lies. */
    private record Part(Convolution convolution, long arranged) {}

    private Part[] parts(Kind kind, Patches p, Tensor x, Tensor y, boolean isAdded) {
        int images = x.rows() / p.pixels();
        int size = (images + Strips.COUNT - 1) / Strips.COUNT;
        Convolution[] all = new Convolution[(images + size - 1) / size];
        Arrays.setAll(
                all, i -> new Convolution(kind, p, Math.min(size, images - i * size), x.cols(), y.cols(), isAdded));
        int[] places = new int[all.length + 1];
        for (int i = 0; i < all.length; i++) {
            boolean shared = i > 0 && kind != Kind.WEIGHT_GRADIENT && all[i].equals(all[0]);
            long floats = shared ? 0 : library.weightBytes(all[i]) / Float.BYTES + ALIGNMENT;
            places[i + 1] = Math.toIntExact(places[i] + floats / ALIGNMENT * ALIGNMENT);
        }
        Tensor memory = ARRANGED.get(places[all.length]);
        Part[] parts = new Part[all.length];
        for (int i = 0; i < all.length; i++) {
            boolean shared = places[i + 1] == places[i];
            parts[i] = new Part(all[i], shared ? parts[0].arranged : memory.address(0, places[i]));
        }
        return parts;
    }

    private void run(Patches p, Part[] parts, Tensor x, Tensor y) {
        int size = parts[0].convolution.images();
        workers.forRange(parts.length, 1, (from, to) -> {
            for (int i = from; i < to; i++) {
                library.compute(
                        parts[i].convolution,
                        x.address(i * size * p.pixels(), 0),
                        parts[i].arranged,
                        y.address(i * size * p.outPixels(), 0),
                        HostMatrixEngine::workingMemory);
            }
        });
    }

    /** The result, or the gradient of the input: both read the weight. */
    void run(Kind kind, Patches p, Tensor x, Tensor weight, Tensor y, boolean isAdded) {
        Part[] parts = parts(kind, p, x, y, isAdded);
        for (int i = 0; i < parts.length; i++) {
            if (i == 0 || parts[i].arranged != parts[0].arranged) {
                library.arrange(parts[i].convolution, weight.address(), parts[i].arranged);
            }
        }
        run(p, parts, x, y);
    }

    void addWeightGradient(Patches p, Tensor dy, Tensor x, Tensor dWeight) {
        Part[] parts = parts(Kind.WEIGHT_GRADIENT, p, x, dy, false);
        run(p, parts, x, dy);
        for (Part part : parts) {
            library.addArranged(part.convolution, part.arranged, dWeight.address());
        }
    }
}
