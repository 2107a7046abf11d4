package dev.peft4j.core.weight;

import dev.peft4j.core.tensor.Tensor;

/**
 * A weight in IEEE 754 half precision: 1 sign, 5 exponent and 10 fraction bits. Moved to the places of single precision, the bits are those of a
 * number that is 2⁻¹¹² times as large, subnormal numbers included.
 */
final class F16Weight extends SixteenBitWeight {
    private static final float SCALE = 0x1p112f; // the biases of the exponents are 127 and 15

    private F16Weight(int out, int in) {
        super(out, in);
    }

    /**
     * Takes a matrix.
     *
     * @param dense of finite numbers that half precision has; stays the caller's
     */
    public static F16Weight of(Tensor dense) {
        F16Weight w = new F16Weight(dense.rows(), dense.cols());
        w.fill(dense);
        return w;
    }

    @Override
    void encode(float[] values, int from, int n, int[] bits) {
        for (int i = 0; i < n; i++) {
            int b = Float.floatToRawIntBits(values[from + i] / SCALE);
            bits[i] = ((b >>> 16) & 0x8000) | ((b & 0x7fffffff) >>> 13);
        }
    }

    @Override
    void decode(int[] packed, int n, int[] lower, int[] upper) {
        for (int i = 0; i < n; i++) {
            lower[i] = ((packed[i] & 0x8000) << 16) | ((packed[i] & 0x7fff) << 13);
        }
        for (int i = 0; i < n; i++) {
            upper[i] = (packed[i] & 0x80000000) | ((packed[i] & 0x7fff0000) >>> 3);
        }
    }

    @Override
    float factor() {
        return SCALE;
    }
}
