package dev.peft4j.models.gguf;

import dev.peft4j.core.tensor.Bf16;

/** Numbers of 16 bits, which Java 17 does not know; rounded to nearest, ties to even. */
final class SixteenBits {
    private static final int INFINITY = 0x7f800000; // of single precision
    private static final int BEYOND_HALF = 0x477ff000; // 65520, from which on halves round to infinity
    private static final int SMALLEST_NORMAL = 0x38800000; // 2⁻¹⁴

    private SixteenBits() {}

    /** The value of a half: 1 sign, 5 exponent and 10 fraction bits. */
    static float half(short bits) {
        int sign = (bits & 0x8000) << 16;
        int exponent = (bits >> 10) & 0x1f;
        int fraction = bits & 0x3ff;
        if (exponent == 0) {
            return Float.intBitsToFloat(sign | Float.floatToRawIntBits(fraction * 0x1p-24f));
        }
        int scaled = exponent == 31 ? INFINITY : (exponent + 112) << 23; // the biases are 15 and 127
        return Float.intBitsToFloat(sign | scaled | (fraction << 13));
    }

    /** The bits of the nearest half. */
    static short toHalf(float value) {
        int bits = Float.floatToRawIntBits(value);
        int sign = (bits >>> 16) & 0x8000;
        int size = bits & 0x7fffffff;
        if (size > INFINITY) {
            int fraction = (size >>> 13) & 0x3ff;
            return (short) (sign | 0x7c00 | (fraction == 0 ? 0x200 : fraction));
        }
        if (size >= BEYOND_HALF) {
            return (short) (sign | 0x7c00);
        }
        if (size < SMALLEST_NORMAL) {
            return (short) (sign | (int) Math.rint(Math.abs((double) value) * 0x1p24));
        }
        return (short) (sign | ((size + 0xfff + ((size >>> 13) & 1) - (112 << 23)) >>> 13));
    }

    /** The bits of the nearest bfloat16. */
    static short toBf16(float value) {
        int bits = Float.floatToRawIntBits(value);
        if ((bits & 0x7fffffff) > INFINITY) {
            int fraction = (bits >>> 16) & 0x7f;
            return (short) ((bits >>> 16) | (fraction == 0 ? 0x40 : 0));
        }
        return (short) Bf16.round(bits);
    }
}
