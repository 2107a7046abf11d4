package dev.peft4j.core.tensor;

import dev.peft4j.core.error.WrongUseException;
import org.jspecify.annotations.Nullable;

/**
 * What networks of images need beside {@link Kernels}. Images are matrices of pixels (N · H · W, C): a row is a pixel with all its channels, so products and
 * norms of channels are those of rows and columns.
 */
public interface ImageKernels {
    /**
     * Copies patches into rows, for a convolution as one product (Chellapilla et al. 2006).
     *
     * @param first number of the first patch, counted over all images
     * @param x (N · H · W, C)
     * @param columns (n, taps · C), patch by patch: its pixels row by row, each with all channels
     */
    void patches(Patches p, int first, Tensor x, Tensor columns);

    /** Derivative of {@link #patches}: adds the elements of each patch to the pixels that they were copied from. */
    void addPatches(Patches p, int first, Tensor columns, Tensor dx);

    /**
     * Puts the channels of weights behind the pixels of their kernels, as {@link #patches} has them.
     *
     * @param weight (O, C · taps), as in checkpoints
     * @param turned (O, taps · C)
     */
    void channelsLast(int taps, Tensor weight, Tensor turned);

    /** Derivative of {@link #channelsLast}: adds. */
    void addChannelsLast(int taps, Tensor turned, Tensor weight);

    /**
     * Whether {@link #convolve} and its derivatives compute a convolution of one group, which they do without copied patches.
     *
     * @param x (N · H · W, I)
     * @param y (N · H' · W', O)
     */
    default boolean convolves(Patches p, Tensor x, Tensor y) {
        return false;
    }

    /**
     * {@code y = x * W + beta · y}, where {@link #convolves} says so.
     *
     * @param weight (O, I · taps), contiguous
     * @param beta 0 or 1
     */
    default void convolve(Patches p, Tensor x, Tensor weight, double beta, Tensor y) {
        throw noConvolutions();
    }

    /** Derivative of {@link #convolve} by its input: overwrites dx. */
    default void convolveBackward(Patches p, Tensor dy, Tensor weight, Tensor dx) {
        throw noConvolutions();
    }

    /** Derivative of {@link #convolve} by the weight: adds to dWeight, which is contiguous. */
    default void addConvolvedWeight(Patches p, Tensor dy, Tensor x, Tensor dWeight) {
        throw noConvolutions();
    }

    private static WrongUseException noConvolutions() {
        return new WrongUseException("a convolution was asked for, and these kernels have none of their own."
                + " Ask by convolves, and copy patches for a product instead.");
    }

    /**
     * A convolution of each channel by itself.
     *
     * @param x (N · H · W, C)
     * @param weight (C, taps)
     * @param y (N · H' · W', C)
     */
    void depthwise(Patches p, Tensor x, Tensor weight, Tensor y);

    /** Derivative of {@link #depthwise}: adds to dx and dWeight, which are null where they are not asked for. */
    void depthwiseBackward(
            Patches p, Tensor dy, Tensor x, Tensor weight, @Nullable Tensor dx, @Nullable Tensor dWeight);

    /** {@code y = max(0, x1 + x2)}; y may be one of them. */
    void addRectified(Tensor x1, Tensor x2, Tensor y);

    /** The greatest value of each channel in each patch. */
    void maxPool(Patches p, Tensor x, Tensor y);

    /** Derivative of {@link #maxPool}: adds to dx at the first of the greatest values. */
    void maxPoolBackward(Patches p, Tensor dy, Tensor x, Tensor dx);

    /** Mean and variance of each column, the latter divided by the number of rows; mean and variance (1, C). */
    void columnMoments(Tensor x, Tensor mean, Tensor variance);

    /**
     * Batch norm (Ioffe and Szegedy 2015, algorithm 1): {@code y = (x - mean) / √(variance + eps) · weight + bias} for each column.
     *
     * @param mean (1, C)
     * @param variance (1, C)
     */
    default void columnNorm(Tensor x, Tensor mean, Tensor variance, double eps, Tensor weight, Tensor bias, Tensor y) {
        columnNorm(x, mean, variance, eps, weight, bias, false, y);
    }

    /** The same, of which only what is greater than 0 is kept if it {@code isRectified}; y may be x. */
    void columnNorm(
            Tensor x,
            Tensor mean,
            Tensor variance,
            double eps,
            Tensor weight,
            Tensor bias,
            boolean isRectified,
            Tensor y);

    /**
     * Derivative of {@link #columnNorm}; adds to dWeight and dBias. Of x the rows and columns alone are read, unless its statistics or the weight are derived.
     *
     * @param ofBatch whether mean and variance are those of x, so that they are derived too
     * @param dx null if it is not asked for
     */
    void columnNormBackward(
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
            @Nullable Tensor dBias);
}
