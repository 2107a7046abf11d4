package dev.peft4j.onednn;

import dev.peft4j.core.tensor.HostConvolutions;
import dev.peft4j.core.tensor.HostProducts.WorkingMemory;

/** Convolutions of oneDNN. */
final class DirectConvolutions implements HostConvolutions {
    @Override
    public long weightBytes(Convolution c) {
        return compiled(c).weightBytes();
    }

    @Override
    public void arrange(Convolution c, long weight, long arranged) {
        reorder(c, weight, arranged);
    }

    @Override
    public void addArranged(Convolution c, long arranged, long weight) {
        reorder(c, weight, arranged);
    }

    /** Compiled for one thread: oneDNN deals out the work among as many as there are then, and whoever is missing later does not do his part. */
    private static ConvolutionPrimitive compiled(Convolution c) {
        Primitives mine = Primitives.ofThisThread();
        return OneDnn.onThisThread(() -> mine.convolution(c));
    }

    /** Which way, the primitive knows. */
    private static void reorder(Convolution c, long weight, long arranged) {
        Primitives mine = Primitives.ofThisThread();
        OneDnn.onThisThread(() -> {
            mine.convolution(c).reorder(mine.stream(), weight, arranged);
            return c;
        });
    }

    @Override
    public void compute(Convolution c, long x, long arranged, long y, WorkingMemory memory) {
        Primitives mine = Primitives.ofThisThread();
        OneDnn.onThisThread(() -> {
            mine.convolution(c).compute(mine.stream(), x, arranged, y, memory);
            return c;
        });
    }
}
