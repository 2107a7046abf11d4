package dev.peft4j.core.io;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import dev.peft4j.core.tensor.Tensor;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.Checksum;

/** Writes a safetensors file of F32 tensors; the file appears under its name only when it is complete. */
public final class SafetensorsWriter {
    private static final int ALIGNMENT = 8;

    private final Map<String, Entry> entries = new LinkedHashMap<>();
    private final Map<String, String> metadata = new LinkedHashMap<>();

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

    private SafetensorsWriter add(String name, Tensor tensor, boolean transposed, int... shape) {
        if (entries.put(name, new Entry(tensor, transposed, shape.clone())) != null) {
            throw new IllegalArgumentException("two tensors are called " + name + "; names in a file must differ");
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
            for (Entry e : entries.values()) {
                e.write(bytes -> writeFully(channel, bytes));
            }
        };
    }

    /** Updates a checksum with the names and bytes of the tensors, in their order. */
    public void updateChecksum(Checksum sum) throws IOException {
        for (Map.Entry<String, Entry> e : entries.entrySet()) {
            sum.update(e.getKey().getBytes(StandardCharsets.UTF_8));
            e.getValue().write(sum::update);
        }
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
            for (Map.Entry<String, Entry> e : entries.entrySet()) {
                json.writeObjectFieldStart(e.getKey());
                json.writeStringField("dtype", "F32");
                json.writeArrayFieldStart("shape");
                for (int n : e.getValue().shape) {
                    json.writeNumber(n);
                }
                json.writeEndArray();
                json.writeArrayFieldStart("data_offsets");
                json.writeNumber(at);
                at += e.getValue().tensor.size() * 4;
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

    private interface Sink {
        void put(ByteBuffer bytes) throws IOException;
    }

    private record Entry(Tensor tensor, boolean transposed, int[] shape) {
        void write(Sink sink) throws IOException {
            int rows = transposed ? tensor.cols() : tensor.rows();
            int cols = transposed ? tensor.rows() : tensor.cols();
            int perChunk = Math.max(1, (1 << 18) / Math.max(1, cols));
            ByteBuffer bytes = ByteBuffer.allocateDirect(4 * cols * Math.min(perChunk, Math.max(1, rows)))
                    .order(ByteOrder.LITTLE_ENDIAN);
            for (int row = 0; row < rows; row += perChunk) {
                int n = Math.min(perChunk, rows - row);
                bytes.clear();
                if (transposed) {
                    float[] columns = tensor.columns(row, n).toFloats(); // (cols, n)
                    for (int r = 0; r < n; r++) {
                        for (int c = 0; c < cols; c++) {
                            bytes.putFloat(columns[c * n + r]);
                        }
                    }
                } else {
                    bytes.asFloatBuffer().put(tensor.rows(row, n).toFloats());
                    bytes.position(4 * n * cols);
                }
                sink.put(bytes.flip());
            }
        }
    }
}
