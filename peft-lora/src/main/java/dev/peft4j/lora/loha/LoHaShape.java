package dev.peft4j.lora.loha;

import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.site.ConvSite;
import dev.peft4j.core.site.LinearSite;
import dev.peft4j.core.site.Site;

/**
 * The dimensions of the factors of a layer.
 *
 * @param out O
 * @param in I; I / groups · taps of a convolution, or I / groups where it has small kernels
 * @param r rank R
 * @param kernelHeight rows of a small kernel (R, R, height, width); 0 for none
 * @param kernelWidth columns of a small kernel; 0 for none
 */
record LoHaShape(int out, int in, int r, int kernelHeight, int kernelWidth) {

    static LoHaShape of(LoHaConfig config, Site site) {
        int r = config.rank(site);
        if (site instanceof LinearSite linear) {
            return new LoHaShape(linear.out(), linear.in(), r, 0, 0);
        }
        if (!(site instanceof ConvSite c)) {
            throw new BadInputException("LoHa was asked for at " + site.name()
                    + ", which is neither a linear layer nor a convolution. Name such layers.");
        }
        return config.effectiveConv2d() && c.taps() > 1
                ? new LoHaShape(c.out(), c.in() / c.groups(), r, c.kernelHeight(), c.kernelWidth())
                : new LoHaShape(c.out(), c.width(), r, 0, 0);
    }

    int taps() {
        return kernelHeight * kernelWidth;
    }

    boolean hasKernels() {
        return taps() > 0;
    }

    long parameterCount() {
        return 2L * r * (out + in) + 2L * r * r * taps();
    }
}
