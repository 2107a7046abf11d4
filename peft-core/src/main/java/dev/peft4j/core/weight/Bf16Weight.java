package dev.peft4j.core.weight;

import dev.peft4j.core.tensor.Bf16;
import dev.peft4j.core.tensor.Tensor;

/** A weight in bfloat16: the upper half of single precision. */
final class Bf16Weight extends SixteenBitWeight {
    private Bf16Weight(int out, int in) {
        super(out, in);
    }

    /**
     * Rounds a matrix to the nearest number, to an even one of two.
     *
     * @param dense of finite numbers; stays the caller's
     */
    public static Bf16Weight of(Tensor dense) {
        Bf16Weight w = new Bf16Weight(dense.rows(), dense.cols());
        w.fill(dense);
        return w;
    }

    @Override
    void encode(float[] values, int from, int n, int[] bits) {
        for (int i = 0; i < n; i++) {
            bits[i] = Bf16.round(Float.floatToRawIntBits(values[from + i]));
        }
    }

    @Override
    void decode(int[] packed, int n, int[] lower, int[] upper) {
        for (int i = 0; i < n; i++) {
            lower[i] = packed[i] << 16;
        }
        for (int i = 0; i < n; i++) {
            upper[i] = packed[i] & 0xffff0000;
        }
    }

    @Override
    float factor() {
        return 1;
    }
}
