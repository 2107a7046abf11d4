package dev.peft4j.core.weight;

import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.error.WrongUseException;
import dev.peft4j.core.format.Checkpoint;
import dev.peft4j.core.format.SafetensorsWriter;
import dev.peft4j.core.format.TensorInfo;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.BiFunction;
import java.util.function.UnaryOperator;
import java.util.random.RandomGenerator;
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
    private final WeightFormat format;
    private final @Nullable Checkpoint checkpoint;
    private final @Nullable BiFunction<String, int[], Tensor> first; // values of a model that has no checkpoint yet
    private final Map<String, Entry> entries = new LinkedHashMap<>();
    private final Set<String> read = new LinkedHashSet<>();
    private final FileNames names;
    private KeptTensors kept = KeptTensors.NONE;
    private volatile boolean closed;

    private record Entry(FrozenWeight weight, int[] shape, boolean transposed) {}

    private Weights(
            Path directory,
            DType dtype,
            WeightFormat format,
            @Nullable Checkpoint checkpoint,
            @Nullable BiFunction<String, int[], Tensor> first) {
        this.directory = directory;
        this.dtype = dtype;
        this.format = format;
        this.checkpoint = checkpoint;
        this.first = first;
        this.names = new FileNames(checkpoint);
    }

    /**
     * Weights that a family reads from a checkpoint.
     *
     * @param backend that the model computes on
     * @param format in which matrices are kept
     */
    public static Weights of(Checkpoint checkpoint, Backend backend, WeightFormat format) {
        return new Weights(checkpoint.directory(), backend.dtype(), format.on(backend), checkpoint, null);
    }

    /**
     * Weights of a model that has learnt nothing, made as a family asks for them: matrices N(0, deviation²), vectors 1 if they are weights of norms or variances,
     * and 0 if they are biases or means.
     */
    public static Weights random(Path directory, DType dtype, double deviation, long seed) {
        RandomGenerator random = new SplittableRandom(seed);
        return new Weights(
                directory, dtype, WeightFormat.full(), null, new FirstValues(directory, dtype, deviation, random));
    }

    /**
     * What checkpoints call tensors; {@link #write} takes the names that the checkpoint has.
     *
     * @param optionalPrefix of all names that checkpoints of the model without a head do not have
     * @param older gives the name that most of them have instead of one of today
     */
    public void namedInFiles(String optionalPrefix, UnaryOperator<String> older) {
        names.optionalPrefix(optionalPrefix);
        names.older(older);
    }

    /**
     * What another library calls tensors, if the checkpoint has one of its names.
     *
     * @param ours gives our name for one of its
     * @param theirs gives its name for one of ours without the optional prefix
     */
    public void namedElsewhere(UnaryOperator<String> ours, UnaryOperator<String> theirs) {
        names.elsewhere(ours, theirs);
    }

    /** A prefix that names in checkpoints of a model with a head have, and those of the model do not. */
    public void addedPrefix(String prefix) {
        names.addedPrefix(prefix);
    }

    /** Whether the model has learnt nothing yet: there is no checkpoint, and all tensors are made as they are asked for. */
    public boolean isNew() {
        return first != null;
    }

    /** Whether the checkpoint has a tensor. */
    public boolean has(String name) {
        return entries.containsKey(name) || names.info(name) != null;
    }

    /**
     * Reads a matrix.
     *
     * @throws BadFileException if it is missing or has other dimensions
     */
    public FrozenWeight matrix(String name, int rows, int cols) throws IOException {
        return read(name, false, rows, cols);
    }

    /** Reads a matrix that is (in, out) in the file; the result is (rows, cols) = (out, in). */
    public FrozenWeight transposedMatrix(String name, int rows, int cols) throws IOException {
        return read(name, true, rows, cols);
    }

    /** Reads the weight of a convolution as a matrix (out, in · kernel height · kernel width); {@code in} counts the channels of a group. */
    public FrozenWeight convolution(String name, int out, int in, int kernelHeight, int kernelWidth)
            throws IOException {
        return read(name, false, out, in, kernelHeight, kernelWidth);
    }

    /** Reads a vector as a matrix of one row. */
    public Tensor vector(String name, int n) throws IOException {
        read(name, false, n);
        return vector(name);
    }

    /** Reads vectors that are one tensor (1, n, cols), as one row of all elements. */
    public Tensor vectors(String name, int n, int cols) throws IOException {
        return ((DenseWeight) read(name, WeightFormat.full(), false, 1, n, cols)).tensor();
    }

    private FrozenWeight read(String name, boolean transposed, int... shape) throws IOException {
        return read(name, format, transposed, shape);
    }

    private FrozenWeight read(String name, WeightFormat kept, boolean transposed, int... shape) throws IOException {
        Entry made = entries.get(name);
        if (made != null && Arrays.equals(made.shape, shape)) {
            return made.weight;
        }
        if (first != null) {
            put(name, first.apply(name, shape), transposed, shape);
            return weight(name);
        }
        if (checkpoint == null) {
            throw new WrongUseException(name + " was to be read, and there is no checkpoint");
        }
        String inFile = names.inFile(name);
        names.requireShape(inFile, transposed, shape);
        Tensor t = checkpoint.load(inFile, dtype, transposed);
        String numbers = Objects.requireNonNull(checkpoint.info(inFile)).dtype();
        FrozenWeight weight = shape.length > 1 ? kept.keep(t, numbers) : new DenseWeight(t);
        read.add(inFile);
        entries.put(name, new Entry(weight, shape.clone(), transposed));
        return weight;
    }

    /**
     * Whether the checkpoint has a matrix with the elements of another one, which then needs not to be read: a head that repeats the embedding.
     *
     * @param other that was read
     * @throws BadFileException if it has other dimensions
     */
    public boolean repeats(String name, String other) throws IOException {
        if (checkpoint == null) {
            return false;
        }
        String inFile = names.inFile(name);
        names.requireShape(inFile, false, shape(other));
        boolean same = checkpoint.repeats(inFile, names.inFile(other));
        if (same) {
            read.add(inFile);
        }
        return same;
    }

    /** Number of elements of all tensors of the checkpoint; 0 without one. */
    public long inCheckpoint() {
        return checkpoint == null
                ? 0
                : checkpoint.names().stream()
                        .mapToLong(
                                n -> Objects.requireNonNull(checkpoint.info(n)).elements())
                        .sum();
    }

    /**
     * Makes sure that the file has a matrix of these dimensions, before anything is made that is as large.
     *
     * @throws BadFileException if not
     */
    public void requireMatrix(String name, long rows, long cols) throws IOException {
        if (checkpoint != null) {
            names.requireShape(names.inFile(name), false, rows, cols);
        }
    }

    /** The first dimension of a tensor of the checkpoint; 0 if it does not have it. */
    public long rowsInCheckpoint(String name) {
        TensorInfo info = names.info(name);
        return info == null || info.shape().isEmpty() ? 0 : info.shape().get(0);
    }

    /** Adds a tensor that is not from a checkpoint; it is closed with the others. */
    public Tensor put(String name, Tensor tensor, boolean transposed, int... shape) {
        entries.put(name, new Entry(new DenseWeight(tensor), shape.clone(), transposed));
        return tensor;
    }

    /** Tensors of the checkpoint that no layer asked for. */
    public Set<String> unread() {
        Set<String> left = new LinkedHashSet<>(checkpoint == null ? Set.of() : checkpoint.names());
        left.removeAll(read);
        return left;
    }

    /** Has {@link #write} copy tensors of the checkpoint that no layer has: a file that is made of it lacks nothing. */
    public void keep(Collection<String> unused) {
        kept = names.kept(unused);
    }

    /** Names of all tensors in use. */
    public Set<String> names() {
        return Collections.unmodifiableSet(entries.keySet());
    }

    /** A tensor in use: a matrix, or a vector as one row. */
    public FrozenWeight weight(String name) {
        return entry(name).weight;
    }

    /**
     * A vector in use (1, n).
     *
     * @throws BadInputException if it is a matrix
     */
    public Tensor vector(String name) {
        Entry e = entry(name);
        if (e.shape.length == 1 && e.weight instanceof DenseWeight dense) {
            return dense.tensor();
        }
        throw new BadInputException(name + " was asked for as a vector; it is a matrix of " + Arrays.toString(e.shape)
                + ". Ask for its weight.");
    }

    /** Bytes of memory that all tensors take. */
    public long bytes() {
        return entries.values().stream().mapToLong(e -> e.weight.bytes()).sum();
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
        if (closed) {
            throw new WrongUseException(name + " was asked for, and the model of " + directory
                    + " was closed. Close it when nothing uses it any more.");
        }
        Entry e = entries.get(name);
        if (e == null) {
            throw new BadInputException(name + " is no tensor of this model; it has " + entries.size() + " others");
        }
        return e;
    }

    /** Number of elements of all tensors. */
    public long count() {
        return entries.values().stream()
                .mapToLong(e -> (long) e.weight.out() * e.weight.in())
                .sum();
    }

    /** Writes all tensors, with others in the place of some or beside them, and those that are kept, as {@code model.safetensors}. */
    public void write(Path file, Map<String, Tensor> replaced) throws IOException {
        SafetensorsWriter writer = new SafetensorsWriter().metadata("format", "pt");
        for (Map.Entry<String, Entry> e : entries.entrySet()) {
            Entry entry = e.getValue();
            Tensor t = replaced.get(e.getKey());
            String name = names.written(e.getKey());
            int[] shape = entry.transposed ? new int[] {entry.shape[1], entry.shape[0]} : entry.shape;
            if (t == null && !(entry.weight instanceof DenseWeight)) {
                writer.add(name, () -> entry.weight.copy(DType.F32), entry.transposed, shape);
            } else {
                Tensor now = t != null ? t : ((DenseWeight) entry.weight).tensor();
                if (entry.transposed) {
                    writer.addTransposed(name, now, shape);
                } else {
                    writer.add(name, now, shape);
                }
            }
        }
        replaced.forEach((name, t) -> {
            if (!entries.containsKey(name)) {
                writer.add(name, t, t.rows(), t.cols());
            }
        });
        Set<String> taken = new LinkedHashSet<>();
        entries.keySet().forEach(name -> taken.add(names.written(name)));
        taken.addAll(replaced.keySet());
        kept.write(writer, taken, directory, file);
    }

    @Override
    public void close() {
        closed = true;
        entries.values().forEach(e -> e.weight.close());
        entries.clear();
    }
}
