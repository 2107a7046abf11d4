package dev.peft4j.core.tensor;

import java.util.stream.IntStream;

/** Which elements a seed drops: a hash of seed and place, so that the backward pass needs no stored mask. */
final class Dropout {
    private static final int[] STEPS =
            IntStream.range(0, 1024).toArray(); // a loop over its own counter is not vectorised

    private Dropout() {}

    /** {@code x[i] = x[i] / (1 - p)}, or 0 with probability p; {@code first} is the place of x[0] in its matrix. */
    static void apply(double p, long seed, int first, float[] x, int n) {
        float[] mask = Scratch.array(6, n);
        mask(p, seed, first, mask, n);
        for (int i = 0; i < n; i++) {
            x[i] *= mask[i];
        }
    }

    /**
     * What elements are multiplied with: 1/(1-p), or 0 with probability p. They are chosen as whole numbers, whose bits become floats all at once: a loop that
     * chooses between floats is not vectorised.
     */
    static void mask(double p, long seed, int first, float[] mask, int n) {
        int threshold = threshold(p);
        int scale = Float.floatToRawIntBits((float) (1 / (1 - p)));
        int[] chosen = Scratch.ints(STEPS.length);
        for (int from = 0; from < n; from += STEPS.length) {
            int count = Math.min(STEPS.length, n - from);
            hash(seed, first + from, chosen, count);
            for (int i = 0; i < count; i++) {
                chosen[i] = ~((chosen[i] - threshold) >> 31) & scale;
            }
            Scratch.floats(chosen, mask, from, count);
        }
    }

    static boolean drops(double p, long seed, int place) {
        int[] hash = new int[1];
        hash(seed, place, hash, 1);
        return hash[0] < threshold(p);
    }

    private static int threshold(double p) {
        return (int) (p * (1 << 24));
    }

    /** The seed of a row of one of several matrices, which have more elements than there are places (finaliser of SplitMix64). */
    static long rowSeed(long seed, int row, int matrix) {
        long h = seed + 0x9E3779B97F4A7C15L * (((long) matrix << 32 | row) + 1);
        h = (h ^ h >>> 30) * 0xBF58476D1CE4E5B9L;
        h = (h ^ h >>> 27) * 0x94D049BB133111EBL;
        return h ^ h >>> 31;
    }

    /** 24 random bits of each place from {@code first} on (finaliser of MurmurHash3 over place and seed). */
    private static void hash(long seed, int first, int[] hashes, int n) {
        int start = first * 0x9E3779B1 + (int) seed;
        int more = (int) (seed >>> 32);
        for (int i = 0; i < n; i++) {
            int h = STEPS[i] * 0x9E3779B1 + start;
            h ^= h >>> 16;
            h *= 0x85ebca6b;
            h ^= h >>> 13 ^ more;
            h *= 0xc2b2ae35;
            h ^= h >>> 16;
            hashes[i] = h >>> 8;
        }
    }
}
