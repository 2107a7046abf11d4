package dev.peft4j.core.format;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.tensor.Tensor;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.zip.Checksum;

/** Writes a safetensors file of F32 tensors, and others as another file has them; the file appears under its name only when it is complete. */
public final class SafetensorsWriter {
    private static final int ALIGNMENT = 8;
    private static final int CHUNK = 1 << 18; // elements

    private final Map<String, Entry> entries = new LinkedHashMap<>();
    private final Map<String, String> metadata = new LinkedHashMap<>();

    /** What has been added so far, to which more can be added. */
    public SafetensorsWriter copy() {
        SafetensorsWriter copy = new SafetensorsWriter();
        copy.entries.putAll(entries);
        copy.metadata.putAll(metadata);
        return copy;
    }

    /** Adds a text to the metadata of the file. */
    public SafetensorsWriter metadata(String key, String value) {
        metadata.put(key, value);
        return this;
    }

    /** Adds a tensor with its dimensions in the file. The tensor is read by {@link #write} and stays the caller's. */
    public SafetensorsWriter add(String name, Tensor tensor, int... shape) {
        return add(name, tensor, false, shape);
    }

    /** Adds a matrix whose rows and columns are exchanged in the file; {@code shape} is the one in the file. */
    public SafetensorsWriter addTransposed(String name, Tensor tensor, int... shape) {
        return add(name, tensor, true, shape);
    }

    /**
     * Adds a tensor that is only made when it is written, and closed then.
     *
     * @param transposed whether rows and columns are exchanged in the file
     * @param shape dimensions in the file
     */
    public SafetensorsWriter add(String name, Supplier<Tensor> made, boolean transposed, int... shape) {
        return put(name, new Made(made, true, transposed, shape.clone()));
    }

    /** Adds a tensor of another file as it is there, whatever its numbers are; the file has to be open until this one is written. */
    SafetensorsWriter addCopy(String name, SafetensorsFile file, TensorInfo info) {
        return put(name, new Copy(file, info));
    }

    private SafetensorsWriter add(String name, Tensor tensor, boolean transposed, int... shape) {
        return put(name, new Made(() -> tensor, false, transposed, shape.clone()));
    }

    private SafetensorsWriter put(String name, Entry entry) {
        if (entries.put(name, entry) != null) {
            throw new BadInputException("two tensors are called " + name + "; names in a file must differ");
        }
        return this;
    }

    /** Writes the file: to a temporary name, then to the disk, then under its own name. */
    public void write(Path path) throws IOException {
        AtomicFile.write(path, content());
    }

    /** The bytes of the file; tensors are read when they are written. */
    public AtomicFile.Content content() throws IOException {
        byte[] header = header();
        return channel -> {
            ByteBuffer head = ByteBuffer.allocate(8 + header.length).order(ByteOrder.LITTLE_ENDIAN);
            head.putLong(header.length).put(header).flip();
            writeFully(channel, head);
            ByteBuffer buffer = buffer();
            for (Map.Entry<String, Entry> e : ordered()) {
                e.getValue().write(buffer, bytes -> writeFully(channel, bytes));
            }
        };
    }

    /** Updates a checksum with the names and bytes of the tensors, in their order. */
    public void updateChecksum(Checksum sum) throws IOException {
        ByteBuffer buffer = buffer();
        for (Map.Entry<String, Entry> e : ordered()) {
            sum.update(e.getKey().getBytes(StandardCharsets.UTF_8));
            e.getValue().write(buffer, sum::update);
        }
    }

    /** Wide numbers first: readers map tensors in place, where each begins at a multiple of its numbers' size. */
    private List<Map.Entry<String, Entry>> ordered() {
        Comparator<Map.Entry<String, Entry>> byWidth =
                Comparator.comparingInt(e -> TensorInfo.bits(e.getValue().dtype()));
        return entries.entrySet().stream().sorted(byWidth.reversed()).toList();
    }

    private byte[] header() throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (JsonGenerator json = new JsonFactory().createGenerator(out)) {
            json.writeStartObject();
            if (!metadata.isEmpty()) {
                json.writeObjectFieldStart("__metadata__");
                for (Map.Entry<String, String> m : metadata.entrySet()) {
                    json.writeStringField(m.getKey(), m.getValue());
                }
                json.writeEndObject();
            }
            long at = 0;
            for (Map.Entry<String, Entry> e : ordered()) {
                Entry entry = e.getValue();
                json.writeObjectFieldStart(e.getKey());
                json.writeStringField("dtype", entry.dtype());
                json.writeArrayFieldStart("shape");
                for (long n : entry.dimensions()) {
                    json.writeNumber(n);
                }
                json.writeEndArray();
                json.writeArrayFieldStart("data_offsets");
                json.writeNumber(at);
                at += entry.bytes();
                json.writeNumber(at);
                json.writeEndArray();
                json.writeEndObject();
            }
            json.writeEndObject();
        }
        while (out.size() % ALIGNMENT != 0) {
            out.write(' ');
        }
        return out.toByteArray();
    }

    private static void writeFully(FileChannel channel, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    /** For all tensors of a file: a direct buffer is only freed by the garbage collector. */
    private ByteBuffer buffer() {
        long largest = entries.values().stream().mapToLong(Entry::bytes).max().orElse(0);
        int most = (int) Math.min(CHUNK, (largest + Float.BYTES - 1) / Float.BYTES);
        return ByteBuffer.allocateDirect(Float.BYTES * most).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** A tensor of the file. */
    private interface Entry {
        String dtype();

        long[] dimensions();

        long bytes();

        void write(ByteBuffer buffer, SafetensorsFile.Copied sink) throws IOException;
    }

    private record Copy(SafetensorsFile file, TensorInfo info) implements Entry {
        @Override
        public String dtype() {
            return info.dtype();
        }

        @Override
        public long[] dimensions() {
            return info.shape().stream().mapToLong(n -> n).toArray();
        }

        @Override
        public long bytes() {
            return info.end() - info.begin();
        }

        @Override
        public void write(ByteBuffer buffer, SafetensorsFile.Copied sink) throws IOException {
            file.copy(info, buffer, sink);
        }
    }

    private record Made(Supplier<Tensor> source, boolean closes, boolean transposed, int[] shape) implements Entry {
        @Override
        public String dtype() {
            return "F32";
        }

        @Override
        public long[] dimensions() {
            return Arrays.stream(shape).asLongStream().toArray();
        }

        @Override
        public long bytes() {
            long n = Float.BYTES;
            for (int d : shape) {
                n *= d;
            }
            return n;
        }

        @Override
        public void write(ByteBuffer buffer, SafetensorsFile.Copied sink) throws IOException {
            Tensor tensor = source.get();
            try {
                write(tensor, buffer, sink);
            } finally {
                if (closes) {
                    tensor.close();
                }
            }
        }

        private void write(Tensor tensor, ByteBuffer bytes, SafetensorsFile.Copied sink) throws IOException {
            int rows = transposed ? tensor.cols() : tensor.rows();
            int cols = transposed ? tensor.rows() : tensor.cols();
            Piece.forEach(rows, cols, CHUNK, p -> {
                bytes.clear();
                if (transposed) {
                    float[] turned = p.turned(tensor).toFloats(); // (columns, rows)
                    for (int r = 0; r < p.rows(); r++) {
                        for (int c = 0; c < p.columns(); c++) {
                            bytes.putFloat(turned[c * p.rows() + r]);
                        }
                    }
                } else {
                    bytes.asFloatBuffer().put(p.of(tensor).toFloats());
                    bytes.position(Float.BYTES * p.size());
                }
                sink.put(bytes.flip());
            });
        }
    }
}
