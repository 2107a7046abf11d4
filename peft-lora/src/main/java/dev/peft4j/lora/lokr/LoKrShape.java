package dev.peft4j.lora.lokr;

import dev.peft4j.core.site.LinearSite;

/**
 * How the weight (O, I) of a layer is cut into Kronecker factors: {@code O = l · k}, {@code I = m · n}.
 *
 * @param l rows of the first factor
 * @param k rows of the second
 * @param m columns of the first factor
 * @param n columns of the second
 * @param r rank of a factor that is decomposed
 * @param firstWhole whether the first factor (l, m) is one matrix
 * @param secondWhole whether the second factor (k, n) is one matrix
 */
record LoKrShape(int l, int k, int m, int n, int r, boolean firstWhole, boolean secondWhole) {

    static LoKrShape of(LoKrConfig config, LinearSite site) {
        int r = config.rank(site);
        int l = smallerFactor(site.out(), config.decomposeFactor());
        int m = smallerFactor(site.in(), config.decomposeFactor());
        int k = site.out() / l;
        int n = site.in() / m;
        boolean decomposeFirst = config.decomposeBoth() && 2 * r < Math.max(l, m);
        return new LoKrShape(l, k, m, n, r, !decomposeFirst, 2 * r >= Math.max(k, n));
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
        long second = secondWhole ? (long) k * n : (long) r * (k + n);
        return first + second;
    }
}
