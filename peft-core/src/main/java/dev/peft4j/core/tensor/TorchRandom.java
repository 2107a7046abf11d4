package dev.peft4j.core.tensor;

/**
 * The generator of PyTorch on a CPU: the Mersenne Twister MT19937 (Matsumoto and Nishimura 1998), seeded as {@code init_genrand}, with 24 bits for a
 * single-precision number. For adapters whose random matrices are given by a seed alone, and for first values that are those of PEFT with the same seed. Uniform
 * numbers are equal to the bit, normal ones to 1e-6, since PyTorch computes logarithm and cosine with approximations.
 */
public final class TorchRandom {
    private static final int N = 624;
    private static final int M = 397;
    private static final int BLOCK = 16; // numbers that PyTorch makes normal at a time
    private static final long MANTISSA = (1L << 53) - 1;
    private final int[] state = new int[N];
    private int next = N;
    private double spare = Double.NaN; // normal number that has been drawn already

    /** As {@code torch.Generator().manual_seed(seed)}, of which the low 32 bits count. */
    public TorchRandom(long seed) {
        state[0] = (int) seed;
        for (int i = 1; i < N; i++) {
            state[i] = 1812433253 * (state[i - 1] ^ (state[i - 1] >>> 30)) + i;
        }
    }

    private int nextInt() {
        if (next == N) {
            for (int i = 0; i < N; i++) {
                int y = (state[i] & 0x80000000) | (state[(i + 1) % N] & 0x7fffffff);
                state[i] = state[(i + M) % N] ^ (y >>> 1) ^ ((y & 1) == 0 ? 0 : 0x9908b0df);
            }
            next = 0;
        }
        int y = state[next++];
        y ^= y >>> 11;
        y ^= (y << 7) & 0x9d2c5680;
        y ^= (y << 15) & 0xefc60000;
        return y ^ (y >>> 18);
    }

    /** As {@code tensor.uniform_(from, to, generator=g)} of a single-precision tensor. */
    public void uniform(Tensor t, double from, double to) {
        float low = (float) from;
        float range = (float) to - low;
        for (int r = 0; r < t.rows(); r++) {
            for (int c = 0; c < t.cols(); c++) {
                t.set(r, c, Math.fma(nextFloat(), range, low));
            }
        }
    }

    private float nextFloat() {
        return (nextInt() & 0xffffff) * 0x1p-24f;
    }

    private double nextDouble() {
        long high = (long) nextInt() << 32;
        return ((high | Integer.toUnsignedLong(nextInt())) & MANTISSA) * 0x1p-53;
    }

    /** As {@code torch.randint(0, bound, (1,))}, for bounds below 2²⁸. */
    public int below(int bound) {
        return Integer.remainderUnsigned(nextInt(), bound);
    }

    /** As {@code tensor.normal_()} of a single-precision tensor: N(0, 1). */
    public void normal(Tensor t) {
        int n = (int) t.size();
        float[] values = new float[n];
        if (n < BLOCK) {
            for (int i = 0; i < n; i++) {
                values[i] = (float) nextNormal();
            }
        } else {
            uniform(values, 0, n);
            for (int from = 0; from + BLOCK <= n; from += BLOCK) {
                polar(values, from);
            }
            if (n % BLOCK != 0) { // the last block is drawn anew
                uniform(values, n - BLOCK, n);
                polar(values, n - BLOCK);
            }
        }
        for (int i = 0; i < n; i++) {
            t.set(i / t.cols(), i % t.cols(), values[i]);
        }
    }

    private void uniform(float[] values, int from, int to) {
        for (int i = from; i < to; i++) {
            values[i] = nextFloat();
        }
    }

    /** Box and Muller 1958: 8 radii and 8 angles give 8 cosines and 8 sines. */
    private static void polar(float[] values, int from) {
        for (int i = from; i < from + BLOCK / 2; i++) {
            double radius = Math.sqrt(-2 * Math.log(1 - values[i]));
            double angle = 2 * Math.PI * values[i + BLOCK / 2];
            values[i] = (float) (radius * Math.cos(angle));
            values[i + BLOCK / 2] = (float) (radius * Math.sin(angle));
        }
    }

    private double nextNormal() {
        if (!Double.isNaN(spare)) {
            double v = spare;
            spare = Double.NaN;
            return v;
        }
        double angle = 2 * Math.PI * nextDouble();
        double radius = Math.sqrt(-2 * Math.log1p(-nextDouble()));
        spare = radius * Math.sin(angle);
        return radius * Math.cos(angle);
    }
}
