package dev.peft4j.models.gguf;

import dev.peft4j.core.error.BadInputException;
import java.nio.ByteBuffer;

/** Numbers in the formats that are written. */
final class PlainNumbers {
    private PlainNumbers() {}

    /**
     * Makes sure that a format can be written.
     *
     * @throws BadInputException if not
     */
    static void require(GgufType type) {
        if (!type.isPlain()) {
            throw new BadInputException(
                    type + " was asked for, and F32, F16 and BF16 are written. Choose one, and quantize the file with"
                            + " llama-quantize.");
        }
    }

    /**
     * Writes a number, rounded to the nearest of its format.
     *
     * @param tensor for messages
     * @throws BadInputException if it is finite, and the format has no finite number near it
     */
    static void put(ByteBuffer bytes, String tensor, GgufType type, float value) {
        if (type == GgufType.F32) {
            bytes.putFloat(value);
            return;
        }
        short bits = type == GgufType.F16 ? SixteenBits.toHalf(value) : SixteenBits.toBf16(value);
        float kept = type == GgufType.F16 ? SixteenBits.half(bits) : Float.intBitsToFloat(bits << 16);
        if (Float.isInfinite(kept) && !Float.isInfinite(value)) {
            throw new BadInputException(type + " was asked for, and " + tensor + " has the number " + value
                    + ", which is beyond it. Choose F32.");
        }
        bytes.putShort(bits);
    }
}
