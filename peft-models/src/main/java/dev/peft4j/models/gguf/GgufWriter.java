package dev.peft4j.models.gguf;

import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.format.AtomicFile;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Writes a GGUF file of version 3, little endian: values in the order in which they are given, then tensors in theirs. */
public final class GgufWriter {
    private final Map<String, Bytes> metadata = new LinkedHashMap<>();
    private final Map<String, Entry> tensors = new LinkedHashMap<>();

    /** The numbers of a tensor, row by row, which are made when they are written. */
    @FunctionalInterface
    public interface Values {
        /** All of them. */
        float[] get() throws IOException;
    }

    private record Entry(GgufType type, long[] shape, Values values) {
        long elements() {
            long n = 1;
            for (long d : shape) {
                n *= d;
            }
            return n;
        }
    }

    /** Adds a text. */
    public GgufWriter text(String key, String value) {
        return put(key, new Bytes().type(GgufValue.STRING).text(value));
    }

    /** Adds a whole number, at least 0. */
    public GgufWriter count(String key, int value) {
        return put(key, new Bytes().type(GgufValue.UINT32).u32(requireCount(key, value)));
    }

    /** Adds a number in single precision. */
    public GgufWriter number(String key, float value) {
        return put(key, new Bytes().type(GgufValue.FLOAT32).u32(Float.floatToRawIntBits(value)));
    }

    /** Adds a truth value. */
    public GgufWriter flag(String key, boolean value) {
        return put(key, new Bytes().type(GgufValue.BOOL).u8(value ? 1 : 0));
    }

    /** Adds a list of texts. */
    public GgufWriter texts(String key, List<String> values) {
        Bytes bytes = new Bytes().type(GgufValue.ARRAY).type(GgufValue.STRING).u64(values.size());
        values.forEach(bytes::text);
        return put(key, bytes);
    }

    /** Adds a list of whole numbers, each at least 0. */
    public GgufWriter counts(String key, List<Integer> values) {
        Bytes bytes = new Bytes().type(GgufValue.ARRAY).type(GgufValue.INT32).u64(values.size());
        values.forEach(v -> bytes.u32(requireCount(key, v)));
        return put(key, bytes);
    }

    /** Adds a list of numbers in single precision. */
    public GgufWriter numbers(String key, float... values) {
        Bytes bytes = new Bytes().type(GgufValue.ARRAY).type(GgufValue.FLOAT32).u64(values.length);
        for (float v : values) {
            bytes.u32(Float.floatToRawIntBits(v));
        }
        return put(key, bytes);
    }

    /**
     * Adds a tensor.
     *
     * @param type F32, F16 or BF16
     * @param values of it, as many as it has; beyond what the format has, writing is a {@link BadInputException}
     * @param shape one to four dimensions in the order of Hugging Face, (O, I) for a matrix; the file has them the other way round
     */
    public GgufWriter add(String name, GgufType type, Values values, long... shape) {
        PlainNumbers.require(type);
        int bytes = name.getBytes(StandardCharsets.UTF_8).length;
        if (bytes < 1 || bytes > GgufHeader.LONGEST_NAME) {
            throw new BadInputException(
                    "a tensor was to be called \"" + name + "\", and names in this format have 1 to "
                            + GgufHeader.LONGEST_NAME + " bytes. Give another name.");
        }
        if (shape.length < 1
                || shape.length > GgufHeader.MOST_DIMENSIONS
                || Arrays.stream(shape).anyMatch(d -> d < 1)) {
            throw new BadInputException(name + " was given as " + Arrays.toString(shape) + ", and tensors have 1 to "
                    + GgufHeader.MOST_DIMENSIONS + " dimensions from 1 on. Give another shape.");
        }
        if (tensors.put(name, new Entry(type, shape.clone(), values)) != null) {
            throw twice("tensors", name);
        }
        return this;
    }

    private GgufWriter put(String key, Bytes value) {
        if (metadata.put(key, value) != null) {
            throw twice("values", key);
        }
        return this;
    }

    private static BadInputException twice(String what, String name) {
        return new BadInputException("two " + what + " are called " + name + "; names in a file must differ");
    }

    private static int requireCount(String key, int value) {
        if (value < 0) {
            throw new BadInputException(key + " = " + value + " was given; it must be at least 0.");
        }
        return value;
    }

    /**
     * Writes the file: to a temporary name, then to the disk, then under its own name.
     *
     * @throws BadInputException if a tensor has other numbers than its shape and format say
     * @throws IOException if writing fails; an older file is untouched then
     */
    public void write(Path file) throws IOException {
        Path directory = file.toAbsolutePath().normalize().getParent();
        Path name = file.getFileName();
        if (directory == null || name == null) {
            throw new BadInputException(
                    file + ": a file was to be written here, and this is a directory. Give the name of a file.");
        }
        WholeFiles.write(directory, Map.of(name.toString(), content()));
    }

    private AtomicFile.Content content() {
        byte[] header = header();
        return channel -> {
            WholeFiles.put(channel, ByteBuffer.wrap(header));
            for (Map.Entry<String, Entry> e : tensors.entrySet()) {
                write(channel, e.getKey(), e.getValue());
            }
        };
    }

    private static void write(FileChannel channel, String name, Entry tensor) throws IOException {
        float[] values = tensor.values.get();
        if (values.length != tensor.elements()) {
            throw new BadInputException(values.length + " numbers were given for " + name + ", whose shape has "
                    + tensor.elements() + ". Give as many as it has.");
        }
        WholeFiles.sink(channel, name, tensor.type).put(values);
        int padding = (int) (aligned(channel.position()) - channel.position());
        WholeFiles.put(channel, ByteBuffer.allocate(padding));
    }

    private static long aligned(long at) {
        return (at + GgufHeader.ALIGNMENT - 1) / GgufHeader.ALIGNMENT * GgufHeader.ALIGNMENT;
    }

    private byte[] header() {
        Bytes out = new Bytes()
                .u32(GgufHeader.MAGIC)
                .u32(GgufHeader.VERSION)
                .u64(tensors.size())
                .u64(metadata.size());
        metadata.forEach((key, value) -> out.text(key).all(value));
        long at = 0;
        for (Map.Entry<String, Entry> e : tensors.entrySet()) {
            Entry t = e.getValue();
            out.text(e.getKey()).u32(t.shape.length);
            for (int i = t.shape.length - 1; i >= 0; i--) {
                out.u64(t.shape[i]);
            }
            out.u32(t.type.id()).u64(at);
            at = aligned(at + t.type.bytes(t.elements()));
        }
        while (out.size() % GgufHeader.ALIGNMENT != 0) {
            out.u8(0);
        }
        return out.toByteArray();
    }

    /** Bytes in the order of the format. */
    private static final class Bytes {
        private final ByteArrayOutputStream out = new ByteArrayOutputStream();

        Bytes u8(int value) {
            out.write(value);
            return this;
        }

        Bytes u32(int bits) {
            out.writeBytes(ByteBuffer.allocate(4)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putInt(bits)
                    .array());
            return this;
        }

        Bytes u64(long bits) {
            return u32((int) bits).u32((int) (bits >>> 32));
        }

        Bytes type(GgufValue type) {
            return u32(type.id());
        }

        Bytes text(String text) {
            byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
            u64(utf8.length);
            out.writeBytes(utf8);
            return this;
        }

        void all(Bytes other) {
            out.writeBytes(other.toByteArray());
        }

        int size() {
            return out.size();
        }

        byte[] toByteArray() {
            return out.toByteArray();
        }
    }
}
