package dev.peft4j.core.tensor;

/**
 * The generator of PyTorch on a CPU, bit for bit: the Mersenne Twister MT19937 (Matsumoto and Nishimura 1998), seeded as {@code init_genrand}, with
 * 24 bits for a single-precision number. For adapters whose random matrices are given by a seed alone.
 */
public final class TorchRandom {
    private static final int N = 624;
    private static final int M = 397;
    private final int[] state = new int[N];
    private int next = N;

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
                float u = (nextInt() & 0xffffff) * 0x1p-24f;
                t.set(r, c, Math.fma(u, range, low));
            }
        }
    }
}
