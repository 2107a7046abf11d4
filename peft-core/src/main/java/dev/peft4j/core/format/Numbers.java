package dev.peft4j.core.format;

import dev.peft4j.core.error.BadFileException;
import java.nio.ByteBuffer;
import java.nio.file.Path;

/** Number formats of files. */
final class Numbers {
    private Numbers() {}

    static double[] decode(Path path, TensorInfo info, ByteBuffer bytes, int n) throws BadFileException {
        double[] out = new double[n];
        switch (info.dtype()) {
            case "F32" -> {
                for (int i = 0; i < n; i++) {
                    out[i] = bytes.getFloat(4 * i);
                }
            }
            case "F64" -> {
                for (int i = 0; i < n; i++) {
                    out[i] = bytes.getDouble(8 * i);
                }
            }
            case "BF16" -> {
                for (int i = 0; i < n; i++) {
                    out[i] = Float.intBitsToFloat(bytes.getShort(2 * i) << 16);
                }
            }
            case "F16" -> {
                for (int i = 0; i < n; i++) {
                    out[i] = halfToFloat(bytes.getShort(2 * i));
                }
            }
            default ->
                throw new BadFileException(
                        path,
                        "tensor " + info.name() + " holds " + info.dtype()
                                + " numbers; F32, F16, BF16 and F64 can be read as a weight. Convert the checkpoint to one of these.");
        }
        return out;
    }

    /** Numbers of bfloat16. */
    static float[] widen(ByteBuffer bytes, int n) {
        short[] upper = new short[n];
        bytes.asShortBuffer().get(upper);
        float[] out = new float[n];
        for (int i = 0; i < n; i++) {
            out[i] = Float.intBitsToFloat(upper[i] << 16);
        }
        return out;
    }

    /** Whether a tensor holds whole numbers or truth values, which no weight does. */
    static boolean isWhole(TensorInfo info) {
        return switch (info.dtype()) {
            case "I64", "U64", "I32", "U32", "I16", "U16", "I8", "U8", "BOOL" -> true;
            default -> false;
        };
    }

    static double[] decodeWhole(TensorInfo info, ByteBuffer bytes, int n) {
        double[] out = new double[n];
        for (int i = 0; i < n; i++) {
            out[i] = switch (info.dtype()) {
                case "I64", "U64" -> bytes.getLong(8 * i);
                case "I32" -> bytes.getInt(4 * i);
                case "U32" -> Integer.toUnsignedLong(bytes.getInt(4 * i));
                case "I16" -> bytes.getShort(2 * i);
                case "U16" -> Short.toUnsignedInt(bytes.getShort(2 * i));
                case "U8", "BOOL" -> Byte.toUnsignedInt(bytes.get(i));
                default -> bytes.get(i);
            };
        }
        return out;
    }

    /** IEEE 754 half precision: 1 sign, 5 exponent and 10 fraction bits. */
    static float halfToFloat(short half) {
        int sign = (half & 0x8000) << 16;
        int exponent = (half >> 10) & 0x1f;
        int fraction = half & 0x3ff;
        if (exponent == 0) {
            float subnormal = fraction * 0x1p-24f;
            return sign == 0 ? subnormal : -subnormal;
        }
        int bits = exponent == 31 ? 0x7f800000 | (fraction << 13) : ((exponent + 112) << 23) | (fraction << 13);
        return Float.intBitsToFloat(sign | bits);
    }
}
