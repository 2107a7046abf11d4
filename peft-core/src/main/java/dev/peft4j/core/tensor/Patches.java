package dev.peft4j.core.tensor;

import dev.peft4j.core.error.BadInputException;

/**
 * Where the patches of a convolution or a pooling lie in an image. Images are matrices of pixels (N · height · width, C), row by row and one image behind the
 * other; what lies outside of an image is 0, or does not count for the greatest value.
 *
 * @param height rows of pixels of an image
 * @param width pixels of a row
 * @param kernelHeight rows of a patch
 * @param kernelWidth pixels of a row of a patch
 * @param strideDown rows of pixels from one patch to the next
 * @param strideAcross pixels of a row from one patch to the next
 * @param top rows above an image that the first patches begin in
 * @param left pixels on the left of an image that the first patches begin in
 * @param outHeight rows of patches
 * @param outWidth patches of a row
 */
public record Patches(
        int height,
        int width,
        int kernelHeight,
        int kernelWidth,
        int strideDown,
        int strideAcross,
        int top,
        int left,
        int outHeight,
        int outWidth) {

    /**
     * Patches of an image with as many rows and pixels added on each side.
     *
     * @throws BadInputException if the image is too small for one
     */
    public static Patches of(int height, int width, int kernelHeight, int kernelWidth, int stride, int padding) {
        return of(height, width, kernelHeight, kernelWidth, stride, stride, padding, padding, padding, padding);
    }

    /** The same with other strides, and other numbers of rows and pixels on the sides. */
    public static Patches of(
            int height,
            int width,
            int kernelHeight,
            int kernelWidth,
            int strideDown,
            int strideAcross,
            int top,
            int bottom,
            int left,
            int right) {
        int down = height + top + bottom - kernelHeight;
        int across = width + left + right - kernelWidth;
        if (down < 0 || across < 0) {
            throw new BadInputException("patches of " + kernelHeight + " x " + kernelWidth
                    + " pixels were asked for, and the images are " + height + " x " + width
                    + " there. Use larger images, or a model with fewer layers that halve them.");
        }
        return new Patches(
                height,
                width,
                kernelHeight,
                kernelWidth,
                strideDown,
                strideAcross,
                top,
                left,
                down / strideDown + 1,
                across / strideAcross + 1);
    }

    /** Pixels of an image. */
    public int pixels() {
        return height * width;
    }

    /** Patches of an image. */
    public int outPixels() {
        return outHeight * outWidth;
    }

    /** Pixels of a patch. */
    public int taps() {
        return kernelHeight * kernelWidth;
    }

    /** Whether each patch is the pixel with its number. */
    public boolean isWhole() {
        return taps() == 1
                && strideDown == 1
                && strideAcross == 1
                && top == 0
                && left == 0
                && outHeight == height // nothing below
                && outWidth == width;
    }

    /** The row of an image that a row of a patch lies on; it may be outside. */
    int row(int outRow, int tap) {
        return outRow * strideDown - top + tap;
    }

    /** The first pixel of a patch in its rows; it may be outside. */
    int column(int outColumn) {
        return outColumn * strideAcross - left;
    }
}
