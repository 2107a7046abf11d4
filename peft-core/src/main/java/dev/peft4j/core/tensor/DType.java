package dev.peft4j.core.tensor;

/** The number format of a tensor in memory. 16-bit formats exist in files only and are widened when they are read. */
public enum DType {
    /** IEEE 754 single precision: what every model is computed in. */
    F32(4),
    /** IEEE 754 double precision: for checking gradients by finite differences. */
    F64(8);

    private final int bytes;

    DType(int bytes) {
        this.bytes = bytes;
    }

    /** Size of one element in bytes. */
    public int bytes() {
        return bytes;
    }
}
