package dev.peft4j.models.gguf;

import java.nio.ByteBuffer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The number formats of tensors in GGUF files that are read here: of single numbers, or of blocks of 32 that share a scale d, and a minimum m in one of
 * them.
 *
 * <p>Source: ggml's {@code ggml-quants.c}; the arithmetic is in single precision, in its order, so that the values are the same to the bit.
 */
public enum GgufType {
    /** IEEE 754 single precision. */
    F32(0, 1, 4),
    /** IEEE 754 half precision. */
    F16(1, 1, 2),
    /** Single precision without its lower 16 bits. */
    BF16(30, 1, 2),
    /** Blocks of a half d and 32 bytes q: {@code q · d}. */
    Q8_0(8, 32, 34),
    /** Blocks of a half d and 32 nibbles q: {@code (q - 8) · d}. */
    Q4_0(2, 32, 18),
    /** Blocks of halves d and m and 32 nibbles q: {@code q · d + m}. */
    Q4_1(3, 32, 20);

    /** Names of other formats by their numbers, for messages; empty where none is known. */
    private static final List<String> NAMES = List.of(
            ("F32 F16 Q4_0 Q4_1 - - Q5_0 Q5_1 Q8_0 Q8_1 Q2_K Q3_K Q4_K Q5_K Q6_K Q8_K IQ2_XXS IQ2_XS IQ3_XXS IQ1_S"
                            + " IQ4_NL IQ3_S IQ2_S IQ4_XS I8 I16 I32 I64 F64 IQ1_M BF16 - - - TQ1_0 TQ2_0 - - - MXFP4")
                    .split(" "));

    private static final float NOTHING = -0f; // which a sum leaves as it is, zeros of both signs included

    private final int id;
    private final int block;
    private final int blockBytes;

    GgufType(int id, int block, int blockBytes) {
        this.id = id;
        this.block = block;
        this.blockBytes = blockBytes;
    }

    /** Its number in files. */
    int id() {
        return id;
    }

    /** Numbers that are stored together. */
    int block() {
        return block;
    }

    /** Whether numbers are stored one by one, so that this format can be written. */
    boolean isPlain() {
        return block == 1;
    }

    /** Bytes of so many numbers, a multiple of a block. */
    long bytes(long elements) {
        return elements / block * blockBytes;
    }

    /** The format of a number in a file, or null if it is none of these. */
    static @Nullable GgufType of(long id) {
        for (GgufType type : values()) {
            if (type.id == id) {
                return type;
            }
        }
        return null;
    }

    /** What ggml calls the format of this number. */
    static String nameOf(long id) {
        boolean known = id >= 0 && id < NAMES.size() && !NAMES.get((int) id).equals("-");
        return known ? NAMES.get((int) id) : "number " + id;
    }

    /**
     * Decodes numbers.
     *
     * @param bytes in little-endian order, at its position
     * @param n how many, a multiple of a block
     * @param at where the first goes
     */
    void decode(ByteBuffer bytes, int n, float[] to, int at) {
        switch (this) {
            case F32 -> {
                for (int i = 0; i < n; i++) {
                    to[at + i] = bytes.getFloat();
                }
            }
            case F16 -> {
                for (int i = 0; i < n; i++) {
                    to[at + i] = SixteenBits.half(bytes.getShort());
                }
            }
            case BF16 -> {
                for (int i = 0; i < n; i++) {
                    to[at + i] = Float.intBitsToFloat(bytes.getShort() << 16);
                }
            }
            case Q8_0 -> {
                for (int i = 0; i < n; i += block) {
                    float d = SixteenBits.half(bytes.getShort());
                    for (int j = 0; j < block; j++) {
                        to[at + i + j] = bytes.get() * d;
                    }
                }
            }
            case Q4_0 -> {
                for (int i = 0; i < n; i += block) {
                    nibbles(bytes, SixteenBits.half(bytes.getShort()), -8, NOTHING, to, at + i);
                }
            }
            case Q4_1 -> {
                for (int i = 0; i < n; i += block) {
                    float d = SixteenBits.half(bytes.getShort());
                    nibbles(bytes, d, 0, SixteenBits.half(bytes.getShort()), to, at + i);
                }
            }
        }
    }

    /** A byte holds an element of the first half of the block in its lower bits, and one of the second in its upper ones. */
    private void nibbles(ByteBuffer bytes, float d, int shift, float m, float[] to, int at) {
        int half = block / 2;
        for (int j = 0; j < half; j++) {
            int both = bytes.get();
            to[at + j] = d * ((both & 15) + shift) + m;
            to[at + half + j] = d * (((both >> 4) & 15) + shift) + m;
        }
    }
}
