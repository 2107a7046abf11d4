package dev.peft4j.core.tensor;

/** Which elements a seed drops: a hash of seed and place, so that the backward pass needs no stored mask. */
final class Dropout {
    private Dropout() {}

    /** {@code y[i] = x[i] / (1 - p)}, or 0 with probability p; {@code first} is the place of x[0] in its matrix. */
    static void apply(double p, long seed, int first, float[] x, float[] y, int n) {
        int threshold = (int) (p * (1 << 24));
        float scale = (float) (1 / (1 - p));
        for (int i = 0; i < n; i++) {
            y[i] = hash(seed, first + i) < threshold ? 0f : x[i] * scale;
        }
    }

    static boolean drops(double p, long seed, int place) {
        return hash(seed, place) < (int) (p * (1 << 24));
    }

    /** 24 random bits (finaliser of MurmurHash3 over place and seed). */
    private static int hash(long seed, int place) {
        int h = place * 0x9E3779B1 + (int) seed;
        h ^= h >>> 16;
        h *= 0x85ebca6b;
        h ^= h >>> 13 ^ (int) (seed >>> 32);
        h *= 0xc2b2ae35;
        h ^= h >>> 16;
        return h >>> 8;
    }
}
