package dev.peft4j.models.gguf;

import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.Tensor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Map;

/**
 * A GGUF file (versions 2 and 3, little endian) that is open for reading. Opening reads and checks what stands in front of the tensors; rows of them are read
 * and decoded when they are asked for. Safe for many threads.
 */
public final class GgufFile implements AutoCloseable {
    private static final int CHUNK = 1 << 18; // elements, whole blocks
    private static final int PANEL = 1 << 19; // elements

    private final FileBytes file;
    private final GgufHeader header;

    private GgufFile(FileBytes file, GgufHeader header) {
        this.file = file;
        this.header = header;
    }

    /**
     * Opens a file; the caller closes it.
     *
     * @throws BadFileException if there is none, it is damaged, promises what it does not have, or holds tensors of another format than those of {@link
     *     GgufType}
     */
    public static GgufFile open(Path path) throws IOException {
        FileBytes file = FileBytes.open(path);
        try {
            return new GgufFile(file, GgufHeader.read(file));
        } catch (IOException | RuntimeException e) {
            file.close();
            throw e;
        }
    }

    public Path path() {
        return file.path();
    }

    /**
     * The values in front of the tensors by key, in the order of the file: {@code Long} for whole numbers, and {@code BigInteger} for those beyond; {@code
     * Float}, {@code Double}, {@code Boolean}, {@code String}, or a {@code List} of these.
     */
    public Map<String, Object> metadata() {
        return header.metadata();
    }

    /** All tensors by name, in the order of the file. */
    public Map<String, GgufTensor> tensors() {
        return header.tensors();
    }

    /**
     * Reads and decodes some rows of a tensor, one behind the other.
     *
     * @param from number of the first row
     * @throws BadFileException if there is no such tensor
     * @throws BadInputException if it does not have these rows, or they do not fit into one array
     */
    public float[] rows(String name, long from, int count) throws IOException {
        GgufTensor tensor = tensor(name);
        long columns = tensor.columns();
        if (from < 0 || count < 0 || from > tensor.rows() - count || count * columns > Integer.MAX_VALUE - 8) {
            throw new BadInputException(count + " rows from " + from + " on were asked for, and " + name + " is "
                    + tensor.shape() + ". Ask for rows that it has, and fewer at once.");
        }
        float[] out = new float[(int) (count * columns)];
        long start = tensor.offset() + tensor.type().bytes(from * columns);
        ByteBuffer bytes = ByteBuffer.allocate((int) tensor.type().bytes(Math.min(CHUNK, out.length)))
                .order(ByteOrder.LITTLE_ENDIAN);
        for (int at = 0; at < out.length; at += CHUNK) {
            int n = Math.min(CHUNK, out.length - at);
            bytes.clear().limit((int) tensor.type().bytes(n));
            file.read(bytes, start + tensor.type().bytes(at));
            tensor.type().decode(bytes.flip(), n, out, at);
        }
        return out;
    }

    /**
     * A whole tensor in memory of its own, which the caller closes: (rows, columns), a vector as one row.
     *
     * @throws BadFileException if there is no such tensor, or it has more rows or columns than can be counted
     */
    public Tensor load(String name, DType dtype) throws IOException {
        GgufTensor tensor = tensor(name);
        if (tensor.rows() > Integer.MAX_VALUE || tensor.columns() > Integer.MAX_VALUE - 8) {
            throw file.bad("tensor " + name + " is " + tensor.shape() + ", and a matrix has at most "
                    + Integer.MAX_VALUE + " rows and columns. Use another file.");
        }
        int columns = (int) tensor.columns();
        int together = Math.max(1, PANEL / columns);
        Tensor all = Tensor.allocate(dtype, (int) tensor.rows(), columns);
        try {
            for (long r = 0; r < all.rows(); r += together) {
                int n = (int) Math.min(together, all.rows() - r);
                all.rows((int) r, n).set(rows(name, r, n));
            }
            return all;
        } catch (IOException | RuntimeException e) {
            all.close();
            throw e;
        }
    }

    private GgufTensor tensor(String name) throws BadFileException {
        GgufTensor tensor = header.tensors().get(name);
        if (tensor == null) {
            throw file.bad("tensor " + name + " was asked for; the file has "
                    + header.tensors().size() + " others. Check that it is the file of this model.");
        }
        return tensor;
    }

    @Override
    public void close() throws IOException {
        file.close();
    }
}
