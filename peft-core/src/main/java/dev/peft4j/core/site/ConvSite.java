package dev.peft4j.core.site;

import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.tensor.Patches;

/**
 * A convolution, named as in the checkpoint. Its weight is a matrix (O, I / groups · kernel height · kernel width).
 *
 * @param name of the module
 * @param in channels I
 * @param out channels O
 * @param kernelHeight rows of the kernel
 * @param kernelWidth columns of the kernel
 * @param strideDown rows of pixels from one place of the kernel to the next
 * @param strideAcross pixels of a row from one place of the kernel to the next
 * @param before rows of zeros above an image, and columns on its left
 * @param behind rows of zeros below an image, and columns on its right
 * @param groups parts of the channels that do not see each other
 */
public record ConvSite(
        String name,
        int in,
        int out,
        int kernelHeight,
        int kernelWidth,
        int strideDown,
        int strideAcross,
        int before,
        int behind,
        int groups)
        implements Site {

    /** One whose kernel is a square, with one stride in both directions. */
    public static ConvSite square(
            String name, int in, int out, int kernel, int stride, int before, int behind, int groups) {
        return new ConvSite(name, in, out, kernel, kernel, stride, stride, before, behind, groups);
    }

    /** One that cuts an image into parts of so many rows and pixels, which lie side by side. */
    public static ConvSite cutting(String name, int in, int out, int height, int width) {
        return new ConvSite(name, in, out, height, width, height, width, 0, 0, 1);
    }

    /** Columns of the weight: I / groups · taps. */
    public int width() {
        return in / groups * taps();
    }

    /** Pixels of the kernel. */
    public int taps() {
        return kernelHeight * kernelWidth;
    }

    /**
     * Where the patches of an image lie.
     *
     * @throws BadInputException if the image is too small for one
     */
    public Patches patches(int height, int width) {
        return Patches.of(
                height, width, kernelHeight, kernelWidth, strideDown, strideAcross, before, behind, before, behind);
    }
}
