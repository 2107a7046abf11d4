package dev.peft4j.lora.lokr;

import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.site.ConvSite;
import dev.peft4j.core.site.LinearSite;
import dev.peft4j.core.site.Site;
import java.util.List;

/**
 * How the weight (O, I) of a layer is cut into Kronecker factors: {@code O = l · k}, {@code I = m · n}. The second factor of a convolution has its kernel
 * besides: (k, n, height, width).
 *
 * @param l rows of the first factor
 * @param k rows of the second
 * @param m columns of the first factor
 * @param n columns of the second
 * @param r rank of a factor that is decomposed
 * @param firstWhole whether the first factor (l, m) is one matrix
 * @param secondWhole whether the second factor (k, n) is one matrix
 * @param kernel height and width of the kernel; empty for a linear layer
 * @param effective whether a second factor that is decomposed has a small kernel (R, R, height, width) of its own
 */
record LoKrShape(
        int l,
        int k,
        int m,
        int n,
        int r,
        boolean firstWhole,
        boolean secondWhole,
        List<Integer> kernel,
        boolean effective) {

    static LoKrShape of(LoKrConfig config, Site site) {
        if (site instanceof LinearSite linear) {
            return of(config, site, linear.out(), linear.in(), List.of());
        }
        if (site instanceof ConvSite c) {
            return of(config, site, c.out(), c.in() / c.groups(), List.of(c.kernelHeight(), c.kernelWidth()));
        }
        throw new BadInputException("LoKr was asked for at " + site.name()
                + ", which is neither a linear layer nor a convolution. Name such layers.");
    }

    private static LoKrShape of(LoKrConfig config, Site site, int out, int in, List<Integer> kernel) {
        int r = config.rank(site);
        int l = smallerFactor(out, config.decomposeFactor());
        int m = smallerFactor(in, config.decomposeFactor());
        int k = out / l;
        int n = in / m;
        boolean decomposeFirst = config.decomposeBoth() && 2 * r < Math.max(l, m);
        boolean secondWhole = 2 * r >= Math.max(k, n);
        boolean effective = config.effectiveConv2d() && !secondWhole && taps(kernel) > 1;
        return new LoKrShape(l, k, m, n, r, !decomposeFirst, secondWhole, kernel, effective);
    }

    private static int taps(List<Integer> kernel) {
        return kernel.stream().reduce(1, (a, b) -> a * b);
    }

    /** Pixels of the kernel; 1 for a linear layer. */
    int taps() {
        return taps(kernel);
    }

    /** Columns of the second factor as a matrix, or of the last of the factors that it is decomposed into. */
    int lastCols() {
        return effective ? n : n * taps();
    }

    /** The dimensions in files of the second factor where it is one tensor. */
    int[] wholeShape() {
        return kernel.isEmpty() ? new int[] {k, n} : new int[] {k, n, kernel.get(0), kernel.get(1)};
    }

    /**
     * The first of two factors of a dimension, by the rule of LyCORIS: {@code factor} if it divides the dimension, else the largest divisor up
     * to it that is not above the other one; -1 is no limit.
     */
    static int smallerFactor(int dimension, int factor) {
        if (factor > 0 && dimension % factor == 0) {
            return factor;
        }
        int limit = factor == -1 ? dimension : factor;
        int best = 1;
        int sum = 1 + dimension;
        int other = dimension;
        int candidate = 1;
        while (candidate < other) {
            int next = candidate + 1;
            while (dimension % next != 0) {
                next++;
            }
            if (next + dimension / next > sum || next > limit) {
                break;
            }
            candidate = next;
            other = dimension / next;
            best = Math.min(candidate, other);
            sum = candidate + other;
        }
        return best;
    }

    long parameterCount() {
        long first = firstWhole ? (long) l * m : (long) r * (l + m);
        long second = secondWhole ? (long) k * n * taps() : (long) r * (k + lastCols());
        return first + second + (effective ? (long) r * r * taps() : 0);
    }
}
