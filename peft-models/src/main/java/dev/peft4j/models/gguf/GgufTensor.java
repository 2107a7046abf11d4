package dev.peft4j.models.gguf;

import dev.peft4j.core.error.BadInputException;
import java.util.List;

/**
 * What a GGUF file says of a tensor.
 *
 * @param name key of the tensor
 * @param type number format
 * @param shape dimensions as in Hugging Face's files, (O, I) for a matrix: ggml writes them the other way round
 * @param offset its first byte in the file
 */
public record GgufTensor(String name, GgufType type, List<Long> shape, long offset) {
    /** Keeps a copy of the dimensions, of which there is one at least. */
    public GgufTensor {
        shape = List.copyOf(shape);
        if (shape.isEmpty()) {
            throw new BadInputException("tensor " + name + " was given no dimensions; it has 1 at least.");
        }
    }

    /** Number of elements. */
    public long elements() {
        return rows() * columns();
    }

    /** Product of all dimensions but the last, 1 for a vector. */
    public long rows() {
        long n = 1;
        for (long d : shape.subList(0, shape.size() - 1)) {
            n *= d;
        }
        return n;
    }

    /** The last dimension: elements of a row, which lie together. */
    public long columns() {
        return shape.get(shape.size() - 1);
    }

    /** Bytes that it takes in the file. */
    public long bytes() {
        return type.bytes(elements());
    }
}
