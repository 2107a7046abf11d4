package dev.peft4j.core.format;

import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.error.StoppedException;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.Tensor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Collections;
import java.util.Map;

/**
 * A safetensors file that is open for reading. Opening reads and checks the header; the bytes of a tensor are read when it is asked
 * for, once, straight into its memory.
 */
public final class SafetensorsFile implements AutoCloseable {
    private static final long MAX_HEADER = 100_000_000; // limit of the reference reader
    private static final int CHUNK_BYTES = 1 << 20;
    private static final int LARGE_CHUNK_BYTES = 1 << 28; // read in place

    private final Path path;
    private final FileChannel channel;
    private final long dataStart;
    private final Map<String, TensorInfo> tensors;
    private final Map<String, String> metadata;

    private SafetensorsFile(Path path, FileChannel channel, long dataStart, SafetensorsHeader header) {
        this.path = path;
        this.channel = channel;
        this.dataStart = dataStart;
        this.tensors = Collections.unmodifiableMap(header.tensors());
        this.metadata = Collections.unmodifiableMap(header.metadata());
    }

    /**
     * Opens a file and checks its header.
     *
     * @throws BadFileException if the header is damaged or promises what the file does not have
     */
    public static SafetensorsFile open(Path path) throws IOException {
        if (!Files.isRegularFile(path)) {
            throw new BadFileException(path, "a safetensors file was expected here and there is none. Check the path.");
        }
        FileChannel channel;
        try {
            channel = FileChannel.open(path, StandardOpenOption.READ);
        } catch (FileSystemException e) {
            throw new BadFileException(
                    path, "tensors were to be read: " + Problems.of(e) + ". Check the file and its rights.", e);
        }
        try {
            return read(path, channel);
        } catch (ClosedByInterruptException e) {
            throw new StoppedException(path + " was to be read");
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    private static SafetensorsFile read(Path path, FileChannel channel) throws IOException {
        long size = channel.size();
        if (size < 8) {
            throw new BadFileException(
                    path,
                    "a safetensors file has at least 8 bytes, this one has " + size
                            + ". It was cut off; get it again.");
        }
        long length = readFully(path, channel, ByteBuffer.allocate(8), 0)
                .order(ByteOrder.LITTLE_ENDIAN)
                .getLong(0);
        if (length < 2 || length > MAX_HEADER || length > size - 8) {
            throw new BadFileException(
                    path,
                    "the header is said to have " + Long.toUnsignedString(length)
                            + " bytes; the file has " + size + ", and at most " + MAX_HEADER
                            + " are allowed. It is damaged or no safetensors file.");
        }
        ByteBuffer bytes =
                readFully(path, channel, ByteBuffer.allocate((int) length), 8).flip();
        if (bytes.get(0) != '{') {
            throw new BadFileException(path, "the header does not begin with {. It is damaged or no safetensors file.");
        }
        String json;
        try {
            json = StandardCharsets.UTF_8.newDecoder().decode(bytes).toString();
        } catch (CharacterCodingException e) {
            throw new BadFileException(path, "the header is not UTF-8. It is damaged or no safetensors file.", e);
        }
        return new SafetensorsFile(path, channel, 8 + length, SafetensorsHeader.parse(path, json, size - 8 - length));
    }

    private static ByteBuffer readFully(Path path, FileChannel channel, ByteBuffer to, long position)
            throws IOException {
        long at = position;
        while (to.hasRemaining()) {
            int n;
            try {
                n = channel.read(to, at);
            } catch (ClosedByInterruptException e) {
                throw new StoppedException(path + " was to be read");
            }
            if (n < 0) {
                throw new BadFileException(path, "became shorter while it was read. Get the file again.");
            }
            at += n;
        }
        return to;
    }

    public Path path() {
        return path;
    }

    /** All tensors by name, in the order of the header. */
    public Map<String, TensorInfo> tensors() {
        return tensors;
    }

    /** The texts of {@code __metadata__}. */
    public Map<String, String> metadata() {
        return metadata;
    }

    /**
     * A tensor in memory of its own, which the caller closes. F16, BF16, F32 and F64 are converted to the number format asked for.
     *
     * @throws BadFileException if there is no such tensor or it does not hold floating-point numbers
     */
    public Tensor load(String name, DType dtype) throws IOException {
        TensorInfo info = info(name);
        Tensor t = Tensor.allocate(dtype, info.rows(), info.cols());
        try {
            read(info, t, false);
            return t;
        } catch (IOException | RuntimeException e) {
            t.close();
            throw e;
        }
    }

    /**
     * Reads a tensor into memory that is there: a matrix whose rows follow each other, with as many elements.
     *
     * @throws BadFileException if there is no such tensor or it does not hold floating-point numbers
     */
    public void load(String name, Tensor to) throws IOException {
        load(name, to, false);
    }

    /** Like {@link #load(String, Tensor)}, with rows and columns exchanged or not. */
    public void load(String name, Tensor to, boolean transposed) throws IOException {
        TensorInfo info = info(name);
        read(info, transposed ? to : to.reshape(info.rows(), info.cols()), transposed);
    }

    /**
     * Whether a tensor has the same elements as one in memory, rounded to its number format, without taking memory for it.
     *
     * @param transposed whether rows and columns are exchanged in the file
     */
    public boolean holds(String name, Tensor values, boolean transposed) throws IOException {
        TensorInfo info = info(name);
        int rows = transposed ? values.cols() : values.rows();
        int cols = transposed ? values.rows() : values.cols();
        boolean vector = info.rows() == 1 && info.elements() == values.size() && !transposed;
        if (!vector && (info.rows() != rows || info.cols() != cols)) {
            return false;
        }
        boolean[] same = {true};
        decode(info, false, (p, read) -> {
            for (int i = 0; i < read.length && same[0]; i++) {
                int r = p.row() + i / p.columns();
                int c = p.column() + i % p.columns();
                double mine = transposed ? values.get(c, r) : vector ? element(values, c) : values.get(r, c);
                same[0] = mine == (values.dtype() == DType.F32 ? (float) read[i] : read[i]);
            }
        });
        return same[0];
    }

    /** Whether a tensor has the same elements as one of another file, or of this one. */
    public boolean repeats(String name, SafetensorsFile other, String otherName) throws IOException {
        TensorInfo mine = info(name);
        TensorInfo theirs = other.info(otherName);
        if (!mine.shape().equals(theirs.shape())) {
            return false;
        }
        boolean[] same = {true};
        ByteBuffer a = buffer(mine);
        ByteBuffer b = buffer(theirs);
        forEach(mine, Math.min(mostAtOnce(mine), mostAtOnce(theirs)), p -> {
            if (same[0]) {
                double[] x = read(mine, p, a, false);
                double[] y = other.read(theirs, p, b, false);
                for (int i = 0; i < x.length && same[0]; i++) {
                    same[0] = x[i] == y[i];
                }
            }
        });
        return same[0];
    }

    /** A condition on an element. */
    @FunctionalInterface
    public interface ElementTest {
        /** Whether the element of this number, row by row, is as it should be. */
        boolean holds(long index, double value);
    }

    /** Whether all elements of a tensor meet a condition; of whole numbers and truth values too. */
    public boolean all(String name, ElementTest test) throws IOException {
        boolean[] all = {true};
        decode(info(name), true, (p, read) -> {
            for (int i = 0; i < read.length && all[0]; i++) {
                all[0] = test.holds(p.from() + i, read[i]);
            }
        });
        return all[0];
    }

    private static double element(Tensor t, int i) {
        return t.get(i / t.cols(), i % t.cols());
    }

    /** Like {@link #load}, with rows and columns exchanged. */
    public Tensor loadTransposed(String name, DType dtype) throws IOException {
        TensorInfo info = info(name);
        Tensor t = Tensor.allocate(dtype, info.cols(), info.rows());
        try {
            read(info, t, true);
            return t;
        } catch (IOException | RuntimeException e) {
            t.close();
            throw e;
        }
    }

    private TensorInfo info(String name) throws BadFileException {
        TensorInfo info = tensors.get(name);
        if (info == null) {
            throw new BadFileException(
                    path,
                    "tensor " + name + " was asked for; the file has " + tensors.size()
                            + " others. Check that it is the file of this model.");
        }
        return info;
    }

    private void read(TensorInfo info, Tensor to, boolean transposed) throws IOException {
        if (info.dtype().equals("F32")
                && to.dtype() == DType.F32
                && !transposed
                && ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN) {
            forEach(info, LARGE_CHUNK_BYTES / Float.BYTES, p -> p.of(to)
                    .withBytes(bytes ->
                            readFully(path, channel, bytes, dataStart + info.begin() + p.from() * Float.BYTES)));
            return;
        }
        if (info.dtype().equals("BF16") && to.dtype() == DType.F32 && !transposed) {
            ByteBuffer bytes = buffer(info);
            forEach(info, mostAtOnce(info), p -> {
                fill(info, p, bytes);
                p.of(to).set(Numbers.widen(bytes, p.size()));
            });
            return;
        }
        decode(info, false, (p, values) -> {
            if (transposed) {
                p.turned(to, values);
            } else {
                p.of(to).set(values);
            }
        });
    }

    /** Is given some elements of a tensor. */
    private interface Elements {
        void take(Piece piece, double[] values);
    }

    private void decode(TensorInfo info, boolean anyNumbers, Elements to) throws IOException {
        ByteBuffer bytes = buffer(info);
        forEach(info, mostAtOnce(info), p -> to.take(p, read(info, p, bytes, anyNumbers)));
    }

    private static void forEach(TensorInfo info, int most, Piece.Action action) throws IOException {
        Piece.forEach(info.rows(), info.cols(), most, action);
    }

    private static int mostAtOnce(TensorInfo info) {
        return CHUNK_BYTES / width(info);
    }

    private static int width(TensorInfo info) {
        return TensorInfo.bits(info.dtype()) / 8;
    }

    private static ByteBuffer buffer(TensorInfo info) {
        int most = (int) Math.min(mostAtOnce(info), info.elements());
        return ByteBuffer.allocateDirect(most * width(info)).order(ByteOrder.LITTLE_ENDIAN);
    }

    private void fill(TensorInfo info, Piece p, ByteBuffer bytes) throws IOException {
        bytes.clear().limit(p.size() * width(info));
        readFully(path, channel, bytes, dataStart + info.begin() + p.from() * width(info));
        bytes.flip();
    }

    private double[] read(TensorInfo info, Piece p, ByteBuffer bytes, boolean anyNumbers) throws IOException {
        fill(info, p, bytes);
        return anyNumbers && Numbers.isWhole(info)
                ? Numbers.decodeWhole(info, bytes, p.size())
                : Numbers.decode(path, info, bytes, p.size());
    }

    /** The bytes of a tensor as they are here, piece by piece in a buffer. */
    void copy(TensorInfo info, ByteBuffer buffer, Copied to) throws IOException {
        for (long at = info.begin(); at < info.end(); at += buffer.limit()) {
            buffer.clear().limit((int) Math.min(buffer.capacity(), info.end() - at));
            to.put(readFully(path, channel, buffer, dataStart + at).flip());
        }
    }

    /** Is given some bytes of a tensor. */
    @FunctionalInterface
    interface Copied {
        void put(ByteBuffer bytes) throws IOException;
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
