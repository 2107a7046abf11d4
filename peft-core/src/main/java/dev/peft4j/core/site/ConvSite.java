package dev.peft4j.core.site;

/**
 * A convolution, named as in the checkpoint. Its weight is a matrix (O, I / groups · kernel height · kernel width).
 *
 * @param name of the module
 * @param in channels I
 * @param out channels O
 * @param kernelHeight rows of the kernel
 * @param kernelWidth columns of the kernel
 * @param stride of the kernel in both directions
 * @param padding rows and columns of zeros on each side
 * @param groups parts of the channels that do not see each other
 */
public record ConvSite(
        String name, int in, int out, int kernelHeight, int kernelWidth, int stride, int padding, int groups)
        implements Site {}
