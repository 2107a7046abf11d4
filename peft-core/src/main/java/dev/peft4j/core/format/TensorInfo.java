package dev.peft4j.core.format;

import java.util.List;

/**
 * What the header of a safetensors file says of a tensor.
 *
 * @param name key of the tensor
 * @param dtype number format as the file spells it: F32, F16, BF16
 * @param shape dimensions; empty for a scalar
 * @param begin first byte in the data part of the file
 * @param end byte after the last one
 */
public record TensorInfo(String name, String dtype, List<Long> shape, long begin, long end) {

    /** Number of elements. */
    public long elements() {
        long n = 1;
        for (long d : shape) {
            n *= d;
        }
        return n;
    }

    /** First dimension, 1 for vectors and scalars. */
    public int rows() {
        return shape.size() < 2 ? 1 : (int) (long) shape.get(0);
    }

    /** Product of the other dimensions. */
    public int cols() {
        return (int) width();
    }

    /** Whether rows and columns can be counted. */
    boolean isMatrix() {
        return width() <= Integer.MAX_VALUE && (shape.size() < 2 || shape.get(0) <= Integer.MAX_VALUE);
    }

    private long width() {
        long n = 1;
        for (int i = shape.size() < 2 ? 0 : 1; i < shape.size(); i++) {
            n *= shape.get(i);
        }
        return n;
    }

    /** Size of one element in bits, or 0 for a name that the format does not have. */
    static int bits(String dtype) {
        return switch (dtype) {
            case "F64", "I64", "U64" -> 64;
            case "F32", "I32", "U32" -> 32;
            case "F16", "BF16", "I16", "U16" -> 16;
            case "BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3" -> 8;
            default -> 0;
        };
    }
}
