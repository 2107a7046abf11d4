package dev.peft4j.core.tensor;

import java.io.IOException;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A (rows, cols) matrix in native memory, row-major; a vector is a matrix of one row.
 *
 * <p>A tensor made by {@link #allocate} or {@link #zeros} owns its memory, and whoever made it closes it. Tensors of an {@link
 * Arena} and the views made by {@link #columns} and {@link #rows} own nothing; closing them does nothing.
 *
 * <p>A tensor that is closed while another thread reads or writes it lasts until that operation ends; the next one is an {@link IllegalStateException}.
 * Several threads may read a tensor at once; none may write to it meanwhile.
 */
public final class Tensor implements AutoCloseable {
    final NativeMemory memory;
    final long offset; // in elements
    final Tensor owner; // the tensor whose place in an arena this view uses; itself for no view
    private final @Nullable Arena arena; // that the owner was cut out of
    private final int generation; // of the arena at that time
    private final boolean ownsMemory;
    private final DType dtype;
    private final int rows;
    private final int cols;
    private final int stride;
    private int holds; // uses that keep an arena tensor alive
    private int version; // of the owner: how often it or a view of it was changed

    /** A place in an arena, which ends with the generation of the arena. */
    Tensor(Arena arena, NativeMemory memory, long offset, int rows, int cols) {
        this(memory, arena.dtype(), offset, rows, cols, cols, null, arena, false);
    }

    private Tensor(
            NativeMemory memory,
            DType dtype,
            long offset,
            int rows,
            int cols,
            int stride,
            @Nullable Tensor owner,
            @Nullable Arena arena,
            boolean ownsMemory) {
        this.memory = memory;
        this.dtype = dtype;
        this.offset = offset;
        this.rows = rows;
        this.cols = cols;
        this.stride = stride;
        this.owner = owner == null ? this : owner;
        this.arena = arena;
        this.generation = arena == null ? 0 : arena.generation();
        this.ownsMemory = ownsMemory;
    }

    /** Native memory for a matrix, with whatever it holds; the caller closes it. */
    public static Tensor allocate(DType dtype, int rows, int cols) {
        return owning(dtype, rows, cols, false);
    }

    /** A matrix of zeros; the caller closes it. */
    public static Tensor zeros(DType dtype, int rows, int cols) {
        return owning(dtype, rows, cols, true);
    }

    private static Tensor owning(DType dtype, int rows, int cols, boolean zeroed) {
        if (rows < 0 || cols < 0) {
            throw new IllegalArgumentException(
                    "a tensor of (" + rows + ", " + cols + ") was asked for; dimensions are at least 0.");
        }
        NativeMemory memory = new NativeMemory(
                dtype, (long) rows * cols, zeroed, NativeBlock.Owner.TENSOR, dtype + " (" + rows + ", " + cols + ")");
        return new Tensor(memory, dtype, 0, rows, cols, cols, null, null, true);
    }

    /** A matrix with these values, row by row; the caller closes it. */
    public static Tensor of(DType dtype, int rows, int cols, float... values) {
        if (values.length != (long) rows * cols) {
            throw new IllegalArgumentException(values.length + " values were given for a tensor of (" + rows + ", "
                    + cols + "), which has " + (long) rows * cols + ". Give as many as it has.");
        }
        Tensor t = allocate(dtype, rows, cols);
        t.set(values);
        return t;
    }

    /** How many blocks of native memory were allocated since the process started. */
    public static long nativeAllocations() {
        return NativeMemory.allocations();
    }

    /** Bytes of native memory that tensors and arenas hold now. */
    public static long nativeBytes() {
        return NativeBlock.liveBytes();
    }

    public DType dtype() {
        return dtype;
    }

    public int rows() {
        return rows;
    }

    public int cols() {
        return cols;
    }

    /** Elements from the start of a row to the start of the next one. */
    public int stride() {
        return stride;
    }

    public long size() {
        return (long) rows * cols;
    }

    /** Whether the rows follow each other without gaps. */
    public boolean isContiguous() {
        return stride == cols || rows == 1;
    }

    /** The columns from {@code from} on as a view. */
    public Tensor columns(int from, int count) {
        checkRange("columns", from, count, cols);
        return new Tensor(memory, dtype, offset + from, rows, count, stride, owner, null, false);
    }

    /** The rows from {@code from} on as a view. */
    public Tensor rows(int from, int count) {
        checkRange("rows", from, count, rows);
        return new Tensor(memory, dtype, offset + (long) from * stride, count, cols, stride, owner, null, false);
    }

    /** The same elements with other dimensions, as a view. */
    public Tensor reshape(int newRows, int newCols) {
        if (!isContiguous() || (long) newRows * newCols != size()) {
            throw new IllegalArgumentException(
                    "cannot see " + this + " as (" + newRows + ", " + newCols + "): the sizes or the strides differ");
        }
        return new Tensor(memory, dtype, offset, newRows, newCols, newCols, owner, null, false);
    }

    private static void checkRange(String what, int from, int count, int limit) {
        if (from < 0 || count < 0 || from > limit - count) {
            throw new IndexOutOfBoundsException(what + " " + from + " to " + (from + count) + " of " + limit);
        }
    }

    /**
     * Begins an operation: the memory lasts until {@link #leave}.
     *
     * @throws IllegalStateException if it is closed, or the pass that it belongs to is
     */
    void enter() {
        live().enter();
    }

    /** The same for an operation that writes, or that runs for some time: what belongs to the pass of another thread is refused. */
    void enterOwn() {
        Arena a = owner.arena;
        if (a != null) {
            a.requireOwnThread();
        }
        enter();
    }

    /** Ends an operation. */
    void leave() {
        memory.leave();
    }

    /** Runs an operation on the memory; what it has read of a pass that another thread has closed meanwhile is thrown away. */
    private <T extends @Nullable Object> T during(Supplier<T> operation) {
        enter();
        try {
            T result = operation.get();
            VarHandle.acquireFence(); // the generation is read after the elements
            live();
            return result;
        } finally {
            leave();
        }
    }

    /** Runs an operation that writes. */
    void change(Runnable operation) {
        enterOwn();
        try {
            operation.run();
        } finally {
            leave();
            changed();
        }
    }

    /** To be called when elements of it, or of a view of it, have changed. */
    void changed() {
        owner.version++;
    }

    /** How often elements of it, of a view of it, or of the tensor that it is a view of were changed; two equal numbers mean that nothing was. */
    public int version() {
        return owner.version;
    }

    /** The memory, to be asked before each use. */
    private NativeMemory live() {
        Arena a = owner.arena;
        if (a != null && a.generation() != owner.generation) {
            throw new IllegalStateException("a value of a pass (" + this
                    + ") was used after the pass was closed; its memory is that of the next pass."
                    + " Copy what you need before, such as by toFloats().");
        }
        return memory;
    }

    long address() {
        return live().address() + offset * dtype.bytes();
    }

    long address(int row, int col) {
        return live().address() + (offset + (long) row * stride + col) * dtype.bytes();
    }

    /** Copies {@code n} elements of a row into an array. */
    void read(int row, int col, float[] to, int at, int n) {
        long i = place(row, col, n);
        live().floats(i).get(NativeMemory.floatIndex(i), to, at, n);
    }

    /** Copies {@code n} elements of an array into a row. */
    void write(int row, int col, float[] from, int at, int n) {
        long i = place(row, col, n);
        live().floats(i).put(NativeMemory.floatIndex(i), from, at, n);
    }

    /** Where {@code n} elements of a row begin; the memory goes on behind the tensor, so its own bounds are looked after here. */
    private long place(int row, int col, int n) {
        if (row < 0 || row >= rows || col < 0 || n > cols - col) {
            throw new IndexOutOfBoundsException("row " + row + ", columns " + col + " to " + (col + n) + " of " + this);
        }
        return offset + (long) row * stride + col;
    }

    /** The element at a place, as a double whatever the number format. */
    public double get(int row, int col) {
        enter();
        try {
            return at(place(row, col, 1));
        } finally {
            leave();
        }
    }

    /** The element at a place, within an operation that counts as a use. */
    double value(int row, int col) {
        return at(place(row, col, 1));
    }

    /** Sets one element, within an operation that counts as a use. */
    void put(int row, int col, double value) {
        setAt(place(row, col, 1), value);
    }

    private double at(long i) {
        return dtype == DType.F32
                ? live().floats(i).get(NativeMemory.floatIndex(i))
                : live().doubles(i).get(NativeMemory.doubleIndex(i));
    }

    /** Sets one element. */
    public void set(int row, int col, double value) {
        enterOwn();
        try {
            setAt(place(row, col, 1), value);
        } finally {
            leave();
        }
        changed();
    }

    private void setAt(long i, double value) {
        if (dtype == DType.F32) {
            live().floats(i).put(NativeMemory.floatIndex(i), (float) value);
        } else {
            live().doubles(i).put(NativeMemory.doubleIndex(i), value);
        }
    }

    /** Sets all elements, row by row. */
    public void set(float[] values) {
        requireCount(values.length);
        change(() -> {
            if (dtype == DType.F32) {
                for (int r = 0; r < rows; r++) {
                    write(r, 0, values, r * cols, cols);
                }
            } else {
                for (int i = 0; i < values.length; i++) {
                    setAt(place(i / cols, i % cols, 1), values[i]);
                }
            }
        });
    }

    /** Sets all elements, row by row. */
    public void set(double[] values) {
        requireCount(values.length);
        change(() -> {
            if (dtype == DType.F32 && cols > 1) {
                float[] row = new float[cols];
                for (int r = 0; r < rows; r++) {
                    for (int c = 0; c < cols; c++) {
                        row[c] = (float) values[r * cols + c];
                    }
                    write(r, 0, row, 0, cols);
                }
                return;
            }
            for (int i = 0; i < values.length; i++) {
                setAt(place(i / cols, i % cols, 1), values[i]);
            }
        });
    }

    private void requireCount(int values) {
        if (values != size()) {
            throw new IllegalArgumentException(values + " values for " + this + ": the numbers must be equal");
        }
    }

    /** All elements, row by row, rounded to single precision. */
    public float[] toFloats() {
        float[] out = new float[Math.toIntExact(size())];
        return during(() -> {
            if (dtype == DType.F32) {
                for (int r = 0; r < rows; r++) {
                    read(r, 0, out, r * cols, cols);
                }
            } else {
                for (int i = 0; i < out.length; i++) {
                    out[i] = (float) at(place(i / cols, i % cols, 1));
                }
            }
            return out;
        });
    }

    /** All elements, row by row. */
    public double[] toDoubles() {
        double[] out = new double[Math.toIntExact(size())];
        return during(() -> {
            for (int i = 0; i < out.length; i++) {
                out[i] = at(place(i / cols, i % cols, 1));
            }
            return out;
        });
    }

    /** Sets all elements to one value. */
    public void fill(double value) {
        change(() -> Elements.fill(this, value));
    }

    /** Copies the elements of a tensor of the same dimensions, converting the number format where it differs. */
    public void copyFrom(Tensor from) {
        if (from.rows != rows || from.cols != cols) {
            throw new IllegalArgumentException(
                    "cannot copy " + from + " into " + this + ": the dimensions must be equal");
        }
        change(() -> from.during(() -> {
            copyRows(from);
            return Boolean.TRUE;
        }));
    }

    private void copyRows(Tensor from) {
        for (int r = 0; r < rows; r++) {
            copyRow(r, from, r);
        }
    }

    /** Copies a row, within an operation that counts as a use of both. */
    void copyRow(int row, Tensor from, int fromRow) {
        long to = place(row, 0, cols);
        long start = from.place(fromRow, 0, cols);
        if (dtype == from.dtype && dtype == DType.F32) {
            FloatBuffer values = from.live().floats(start);
            live().floats(to).put(NativeMemory.floatIndex(to), values, NativeMemory.floatIndex(start), cols);
        } else if (dtype == from.dtype) {
            DoubleBuffer values = from.live().doubles(start);
            live().doubles(to).put(NativeMemory.doubleIndex(to), values, NativeMemory.doubleIndex(start), cols);
        } else {
            for (int c = 0; c < cols; c++) {
                setAt(to + c, from.at(start + c));
            }
        }
    }

    /** Copies the bits of {@code n} elements of single precision into a row. */
    void writeBits(int row, int col, int[] bits, int n) {
        long i = place(row, col, n);
        live().ints(i).put(NativeMemory.floatIndex(i), bits, 0, n);
    }

    /** A copy in memory of its own; the caller closes it. */
    public Tensor copy(DType type) {
        Tensor t = allocate(type, rows, cols);
        try {
            t.copyFrom(this);
            return t;
        } catch (RuntimeException e) {
            t.close();
            throw e;
        }
    }

    /** What is done to the bytes of a tensor. */
    public interface BytesAction {
        /** Reads or writes them; they must not be used after it has returned. */
        void run(ByteBuffer bytes) throws IOException;
    }

    /** Gives the bytes of a contiguous tensor of less than a GiB, in the byte order of the machine, to an action that may change them. */
    public void withBytes(BytesAction action) throws IOException {
        if (!isContiguous()) {
            throw new IllegalStateException("the bytes of " + this + " were asked for, whose rows do not follow each"
                    + " other. Copy it first.");
        }
        enterOwn();
        try {
            action.run(live().bytes(offset * dtype.bytes(), Math.toIntExact(size() * dtype.bytes())));
        } finally {
            leave();
        }
        changed();
    }

    /** Whether every element is a finite number. */
    public boolean isFinite() {
        return during(() -> Elements.areFinite(this));
    }

    /** Takes it, with all views of it, for the one who changes it over some time; false if somebody has it. To be ended by {@link #giveBack}. */
    public boolean claim() {
        return memory.claimed().compareAndSet(false, true);
    }

    /** Ends what {@link #claim} began. */
    public void giveBack() {
        memory.claimed().set(false);
    }

    /** Marks one more use of an arena tensor. */
    public Tensor hold() {
        owner.holds++;
        return this;
    }

    /** Ends a use that {@link #hold} marked, and tells how many are left. */
    public int unhold() {
        return --owner.holds;
    }

    /** Whether something still needs it. */
    public boolean isHeld() {
        return owner.holds > 0;
    }

    /** Whether several uses share it, so that it must not be changed in place. */
    public boolean isShared() {
        return owner.holds > 1;
    }

    /** Whether both are views of the same tensor, or one is a view of the other. */
    public boolean sharesPlaceWith(Tensor other) {
        return owner == other.owner;
    }

    /** Whether its memory belongs to this arena. */
    public boolean isInArena(Arena arena) {
        return arena.contains(memory);
    }

    @Override
    public void close() {
        if (ownsMemory) {
            memory.close();
        }
    }

    @Override
    public String toString() {
        return dtype + " (" + rows + ", " + cols + ")";
    }
}
