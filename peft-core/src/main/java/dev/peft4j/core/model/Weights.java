package dev.peft4j.core.model;

import dev.peft4j.core.io.BadFileException;
import dev.peft4j.core.io.Checkpoint;
import dev.peft4j.core.io.SafetensorsWriter;
import dev.peft4j.core.io.TensorInfo;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The base tensors of a model by their names in the checkpoint. It owns their memory; nothing but full fine-tuning changes them.
 *
 * <p>Matrices are (out, in). Where the file has them the other way round, as GPT-2's Conv1D, they are turned when they are read and
 * written, and no other code knows of it.
 */
public final class Weights implements AutoCloseable {
    private final Path directory;
    private final DType dtype;
    private final @Nullable Checkpoint checkpoint;
    private final Map<String, Entry> entries = new LinkedHashMap<>();
    private final Set<String> read = new LinkedHashSet<>();
    private String optionalPrefix = "";

    private record Entry(Tensor tensor, int[] shape, boolean transposed) {}

    private Weights(Path directory, DType dtype, @Nullable Checkpoint checkpoint) {
        this.directory = directory;
        this.dtype = dtype;
        this.checkpoint = checkpoint;
    }

    /** Weights that a family reads from a checkpoint, in a number format. */
    public static Weights of(Checkpoint checkpoint, DType dtype) {
        return new Weights(checkpoint.directory(), dtype, checkpoint);
    }

    /** No weights yet: for a model that starts from random ones. */
    public static Weights empty(Path directory, DType dtype) {
        return new Weights(directory, dtype, null);
    }

    /** A prefix of all names that checkpoints of the encoder alone do not have: {@code bert.}, {@code transformer.}. */
    public void optionalPrefix(String prefix) {
        if (checkpoint != null && checkpoint.names().stream().noneMatch(n -> n.startsWith(prefix))) {
            optionalPrefix = prefix;
        }
    }

    private String fileName(String name) {
        return name.startsWith(optionalPrefix) ? name.substring(optionalPrefix.length()) : name;
    }

    /** Whether the checkpoint has a tensor. */
    public boolean has(String name) {
        return entries.containsKey(name) || (checkpoint != null && checkpoint.info(fileName(name)) != null);
    }

    /**
     * Reads a matrix.
     *
     * @throws BadFileException if it is missing or has other dimensions
     */
    public Tensor matrix(String name, int rows, int cols) throws IOException {
        return read(name, false, rows, cols);
    }

    /** Reads a matrix that is (in, out) in the file; the result is (rows, cols) = (out, in). */
    public Tensor transposedMatrix(String name, int rows, int cols) throws IOException {
        return read(name, true, rows, cols);
    }

    /** Reads a vector as a matrix of one row. */
    public Tensor vector(String name, int n) throws IOException {
        return read(name, false, n);
    }

    private Tensor read(String name, boolean transposed, int... shape) throws IOException {
        Entry made = entries.get(name);
        if (made != null && Arrays.equals(made.shape, shape)) {
            return made.tensor;
        }
        if (checkpoint == null) {
            throw new IllegalStateException(name + " was to be read, and there is no checkpoint");
        }
        String inFile = fileName(name);
        TensorInfo info = checkpoint.info(inFile);
        if (info == null) {
            throw new BadFileException(
                    directory,
                    "tensor " + inFile + " of shape " + Arrays.toString(shape)
                            + " is needed by config.json and missing in the checkpoint ("
                            + checkpoint.names().size()
                            + " tensors). Check that config.json and the weights belong together.");
        }
        int[] expected = transposed ? new int[] {shape[1], shape[0]} : shape;
        List<Long> wanted = Arrays.stream(expected).mapToObj(n -> (long) n).toList();
        if (!info.shape().equals(wanted)) {
            throw new BadFileException(
                    directory,
                    "tensor " + inFile + " has the shape " + info.shape() + " where config.json asks for " + wanted
                            + ". Check that config.json and the weights belong together.");
        }
        Tensor t = checkpoint.load(inFile, dtype, transposed);
        read.add(inFile);
        entries.put(name, new Entry(t, shape.clone(), transposed));
        return t;
    }

    /** Adds a tensor that is not from a checkpoint; it is closed with the others. */
    public Tensor put(String name, Tensor tensor, boolean transposed, int... shape) {
        entries.put(name, new Entry(tensor, shape.clone(), transposed));
        return tensor;
    }

    /** Tensors of the checkpoint that no layer asked for. */
    public Set<String> unread() {
        Set<String> left = new LinkedHashSet<>(checkpoint == null ? Set.of() : checkpoint.names());
        left.removeAll(read);
        return left;
    }

    /** Names of all tensors in use. */
    public Set<String> names() {
        return Collections.unmodifiableSet(entries.keySet());
    }

    /** A tensor in use. */
    public Tensor tensor(String name) {
        return entry(name).tensor;
    }

    /** The dimensions of a tensor: (out, in) for a matrix whatever the file has. */
    public int[] shape(String name) {
        return entry(name).shape.clone();
    }

    /** Whether the file has a matrix as (in, out). */
    public boolean isTransposed(String name) {
        return entry(name).transposed;
    }

    private Entry entry(String name) {
        Entry e = entries.get(name);
        if (e == null) {
            throw new IllegalArgumentException(
                    name + " is no tensor of this model; it has " + entries.size() + " others");
        }
        return e;
    }

    /** Number of elements of all tensors. */
    public long count() {
        return entries.values().stream().mapToLong(e -> e.tensor.size()).sum();
    }

    /** Writes all tensors, with others in the place of some or beside them, as {@code model.safetensors}. */
    public void write(Path file, Map<String, Tensor> replaced) throws IOException {
        SafetensorsWriter writer = new SafetensorsWriter().metadata("format", "pt");
        for (Map.Entry<String, Entry> e : entries.entrySet()) {
            Entry entry = e.getValue();
            Tensor t = replaced.getOrDefault(e.getKey(), entry.tensor);
            if (entry.transposed) {
                writer.addTransposed(e.getKey(), t, entry.shape[1], entry.shape[0]);
            } else {
                writer.add(e.getKey(), t, entry.shape);
            }
        }
        replaced.forEach((name, t) -> {
            if (!entries.containsKey(name)) {
                writer.add(name, t, t.rows(), t.cols());
            }
        });
        writer.write(file);
    }

    @Override
    public void close() {
        entries.values().forEach(e -> e.tensor.close());
        entries.clear();
    }
}
