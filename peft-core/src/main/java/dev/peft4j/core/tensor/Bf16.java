package dev.peft4j.core.tensor;

/** Rounding to bfloat16, the upper half of single precision: to the nearest number, to an even one of two. */
public final class Bf16 {
    private Bf16() {}

    /** The 16 bits of a number, given by those of single precision. Infinity stays, and so does NaN as processors make it. */
    public static int round(int bits) {
        return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
    }

    /**
     * Rounds numbers and puts two of them into each integer, the first one into the lower half, as they lie in memory one after another.
     *
     * @param bits of single precision, one more than {@code n} if that is odd
     */
    public static void pack(int[] bits, int n, int[] pairs) {
        for (int i = 0; i < (n + 1) / 2; i++) {
            pairs[i] = round(bits[2 * i]) | (round(bits[2 * i + 1]) << 16);
        }
    }

    /** The bits of single precision of numbers that lie one after another, as many as two times the integers. */
    public static void unpack(int[] pairs, int n, int[] bits) {
        for (int i = 0; i < n; i++) {
            bits[2 * i] = pairs[i] << 16;
            bits[2 * i + 1] = pairs[i] & 0xffff0000;
        }
    }
}
