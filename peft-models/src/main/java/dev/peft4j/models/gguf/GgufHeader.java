package dev.peft4j.models.gguf;

import dev.peft4j.core.error.BadFileException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What stands in front of the tensors of a GGUF file, checked against the size of the file.
 *
 * <p>Source: <a href="https://github.com/ggml-org/ggml/blob/master/docs/gguf.md">the format</a>, and the limits of ggml's {@code gguf.cpp}.
 *
 * @param metadata by key, in the order of the file
 * @param tensors by name, in the order of the file
 */
record GgufHeader(Map<String, Object> metadata, Map<String, GgufTensor> tensors) {
    static final int MAGIC = 0x46554747; // "GGUF"
    static final int VERSION = 3;
    static final int ALIGNMENT = 32; // where the file does not say
    static final int LONGEST_NAME = 63; // bytes, of ggml
    static final int MOST_DIMENSIONS = 4; // of ggml

    private static final int OLDEST_VERSION = 2;
    private static final long MOST_ALIGNMENT = 1 << 20;
    private static final int ENTRY_BYTES = 13; // at least: length of the key, type, value
    private static final int TENSOR_BYTES = 32; // at least: length of the name, number of dimensions, one, type, offset

    static GgufHeader read(FileBytes file) throws IOException {
        GgufCursor cursor = new GgufCursor(file);
        if (cursor.u32() != MAGIC) {
            throw cursor.bad("the file does not begin with GGUF");
        }
        long version = cursor.u32();
        if ((version & 0xffff) == 0) {
            throw file.bad("is big endian (version " + (version >> 16)
                    + " in that order); only little endian is read. Convert it for this machine.");
        }
        if (version < OLDEST_VERSION || version > VERSION) {
            throw file.bad("is GGUF of version " + version + "; versions " + OLDEST_VERSION + " and " + VERSION
                    + " can be read. Convert the model again with a current llama.cpp.");
        }
        int tensors = cursor.count("the number of tensors", cursor.u64(), TENSOR_BYTES);
        int entries = cursor.count("the number of values", cursor.u64(), ENTRY_BYTES);
        Map<String, Object> metadata = new LinkedHashMap<>();
        for (int i = 0; i < entries; i++) {
            String key = cursor.text();
            if (metadata.put(key, GgufValue.type(cursor).read(cursor)) != null) {
                throw cursor.bad("the key " + shown(key) + " is there twice");
            }
        }
        List<GgufTensor> read = new ArrayList<>();
        for (int i = 0; i < tensors; i++) {
            read.add(tensor(cursor));
        }
        long alignment = alignment(file, metadata);
        long start = (cursor.position() + alignment - 1) / alignment * alignment;
        return new GgufHeader(
                Collections.unmodifiableMap(metadata),
                Collections.unmodifiableMap(placed(file, read, start, alignment)));
    }

    private static long alignment(FileBytes file, Map<String, Object> metadata) throws BadFileException {
        Object given = metadata.getOrDefault("general.alignment", (long) ALIGNMENT);
        if (given instanceof Long n && n >= 1 && n <= MOST_ALIGNMENT && Long.bitCount(n) == 1) {
            return n;
        }
        throw file.bad("general.alignment is " + shown(given) + " where a power of two up to " + MOST_ALIGNMENT
                + " was expected. The file is damaged; get it again.");
    }

    /** Reads a tensor, with its offset in the data. */
    private static GgufTensor tensor(GgufCursor cursor) throws IOException {
        String name = cursor.text();
        if (name.isEmpty() || name.length() > LONGEST_NAME) {
            throw cursor.bad("a tensor is called " + shown(name) + " where a name of 1 to " + LONGEST_NAME
                    + " characters was expected");
        }
        long dimensions = cursor.u32();
        if (dimensions < 1 || dimensions > MOST_DIMENSIONS) {
            throw cursor.bad("tensor " + name + " has " + dimensions + " dimensions where 1 to " + MOST_DIMENSIONS
                    + " were expected");
        }
        List<Long> shape = new ArrayList<>();
        long elements = 1;
        for (int i = 0; i < dimensions; i++) {
            long d = cursor.u64();
            if (d < 1 || d > Long.MAX_VALUE / 4 / elements) { // so that sizes in bytes can be computed
                throw cursor.bad("tensor " + name + " has the dimension " + Long.toUnsignedString(d));
            }
            elements *= d;
            shape.add(0, d);
        }
        long id = cursor.u32();
        GgufType type = GgufType.of(id);
        if (type == null) {
            throw cursor.file()
                    .bad("tensor " + name + " holds " + GgufType.nameOf(id) + " numbers; "
                            + List.of(GgufType.values())
                            + " can be read. Convert the model to one of these (llama-quantize, or convert_hf_to_gguf.py"
                            + " --outtype).");
        }
        GgufTensor tensor = new GgufTensor(name, type, shape, cursor.u64());
        if (tensor.columns() % type.block() != 0) {
            throw cursor.bad("tensor " + name + " has rows of " + tensor.columns() + " " + type
                    + " numbers, which come in blocks of " + type.block());
        }
        return tensor;
    }

    /** The tensors with their places in the file, which have to be in it, and for each alone. */
    private static Map<String, GgufTensor> placed(FileBytes file, List<GgufTensor> read, long start, long alignment)
            throws BadFileException {
        Map<String, GgufTensor> tensors = new LinkedHashMap<>();
        for (GgufTensor t : read) {
            if (t.offset() < 0
                    || t.offset() % alignment != 0
                    || t.bytes() > file.size() - start
                    || t.offset() > file.size() - start - t.bytes()) {
                throw file.bad("tensor " + t.name() + " is said to have " + t.bytes() + " bytes from "
                        + Long.toUnsignedString(t.offset()) + " on (aligned to " + alignment + "), and the file has "
                        + Math.max(0, file.size() - start)
                        + " bytes of data. It was cut off or is damaged; get it again.");
            }
            GgufTensor inFile = new GgufTensor(t.name(), t.type(), t.shape(), start + t.offset());
            if (tensors.put(t.name(), inFile) != null) {
                throw file.bad("two tensors are called " + t.name() + ". The file is damaged; get it again.");
            }
        }
        List<GgufTensor> inOrder = new ArrayList<>(tensors.values());
        inOrder.sort(Comparator.comparingLong(GgufTensor::offset));
        for (int i = 1; i < inOrder.size(); i++) {
            GgufTensor before = inOrder.get(i - 1);
            if (before.offset() + before.bytes() > inOrder.get(i).offset()) {
                throw file.bad("the tensors " + before.name() + " and "
                        + inOrder.get(i).name() + " lie over each other. The file is damaged; get it again.");
            }
        }
        return tensors;
    }

    /** A value in a message: its beginning. */
    static String shown(Object value) {
        if (value instanceof List<?> l) {
            return "a list of " + l.size();
        }
        String text = value instanceof String ? "\"" + value + '"' : String.valueOf(value);
        return text.length() <= 60 ? text : text.substring(0, 57) + "...";
    }
}
