package dev.peft4j.core.tensor;

/**
 * Convolutions of one group in single precision by a library, on memory of the host, one at a time on the calling thread; see {@link HostProducts}. Pixels are
 * rows of channels, as everywhere; weights have a form of the library's own, which they are brought into first.
 */
public interface HostConvolutions {
    /** What is computed of a convolution {@code y = x * W}. */
    enum Kind {
        /** y, of x and W. */
        RESULT,
        /** dx, of dy and W. */
        INPUT_GRADIENT,
        /** dW, of x and dy. */
        WEIGHT_GRADIENT
    }

    /**
     * What a library compiles: everything but addresses.
     *
     * @param images N
     * @param in I, channels of x
     * @param out O, channels of y
     * @param isAdded whether a result is added to what y holds
     */
    record Convolution(Kind kind, Patches patches, int images, int in, int out, boolean isAdded) {}

    /** Bytes of W, or dW, in the form that a convolution has it in. */
    long weightBytes(Convolution c);

    /**
     * Brings a weight into that form.
     *
     * @param weight (O, I · taps)
     */
    void arrange(Convolution c, long weight, long arranged);

    /** The way back: adds to a weight (O, I · taps). */
    void addArranged(Convolution c, long arranged, long weight);

    /**
     * Computes one of x, W and y, or their gradients, of the other two.
     *
     * @param x (N · H · W, I)
     * @param arranged W in its form
     * @param y (N · H' · W', O)
     */
    void compute(Convolution c, long x, long arranged, long y, HostProducts.WorkingMemory memory);
}
