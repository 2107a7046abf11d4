package dev.peft4j.core.tensor;

import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.error.WrongUseException;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * A (rows, cols) matrix in native memory, row-major; a vector is a matrix of one row.
 *
 * <p>A tensor made by {@link #allocate} or {@link #zeros} owns its memory, and whoever made it closes it. Tensors of an {@link
 * Arena} and the views made by {@link #columns} and {@link #rows} own nothing; closing them does nothing.
 *
 * <p>A tensor that is closed while another thread reads or writes it lasts until that operation ends; the next one is an {@link WrongUseException}.
 * Several threads may read a tensor at once; none may write to it meanwhile.
 */
public final class Tensor extends NativeMatrix implements AutoCloseable {
    private final boolean ownsMemory;

    /** A place in an arena, which ends with the generation of the arena. */
    Tensor(Arena arena, NativeMemory memory, long offset, int rows, int cols) {
        this(new Place(memory, arena, offset, (long) rows * cols), arena.dtype(), offset, rows, cols, cols, false);
    }

    private Tensor(Place place, DType dtype, long offset, int rows, int cols, int stride, boolean ownsMemory) {
        super(place, dtype, offset, rows, cols, stride);
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
            throw new BadInputException(
                    "a tensor of (" + rows + ", " + cols + ") was asked for; dimensions are at least 0.");
        }
        NativeMemory memory = new NativeMemory(
                dtype, (long) rows * cols, zeroed, NativeBlock.Owner.TENSOR, dtype + " (" + rows + ", " + cols + ")");
        return new Tensor(new Place(memory, null, 0, (long) rows * cols), dtype, 0, rows, cols, cols, true);
    }

    /** A matrix with these values, row by row; the caller closes it. */
    public static Tensor of(DType dtype, int rows, int cols, float... values) {
        if (values.length != (long) rows * cols) {
            throw new BadInputException(values.length + " values were given for a tensor of (" + rows + ", " + cols
                    + "), which has " + (long) rows * cols + ". Give as many as it has.");
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

    /** The columns from {@code from} on as a view. */
    public Tensor columns(int from, int count) {
        checkRange("columns", from, count, cols());
        return new Tensor(place(), dtype(), offset() + from, rows(), count, stride(), false);
    }

    /** The rows from {@code from} on as a view. */
    public Tensor rows(int from, int count) {
        checkRange("rows", from, count, rows());
        return new Tensor(place(), dtype(), offset() + (long) from * stride(), count, cols(), stride(), false);
    }

    /** The same elements with other dimensions, as a view. */
    public Tensor reshape(int newRows, int newCols) {
        if (!isContiguous() || (long) newRows * newCols != size()) {
            throw new BadInputException(
                    "cannot see " + this + " as (" + newRows + ", " + newCols + "): the sizes or the strides differ");
        }
        return new Tensor(place(), dtype(), offset(), newRows, newCols, newCols, false);
    }

    private static void checkRange(String what, int from, int count, int limit) {
        if (from < 0 || count < 0 || from > limit - count) {
            throw new IndexOutOfBoundsException(what + " " + from + " to " + (from + count) + " of " + limit);
        }
    }

    /** The element at a place, as a double whatever the number format. */
    public double get(int row, int col) {
        enter();
        try {
            return value(row, col);
        } finally {
            leave();
        }
    }

    /** Sets one element. */
    public void set(int row, int col, double value) {
        enterOwn();
        try {
            put(row, col, value);
        } finally {
            leave();
        }
        changed();
    }

    /** Sets all elements, row by row. */
    public void set(float[] values) {
        requireCount(values.length);
        change(() -> Elements.set(this, values));
    }

    /** Sets all elements, row by row. */
    public void set(double[] values) {
        requireCount(values.length);
        change(() -> Elements.set(this, values));
    }

    private void requireCount(int values) {
        if (values != size()) {
            throw new BadInputException(values + " values for " + this + ": the numbers must be equal");
        }
    }

    /** All elements, row by row, rounded to single precision. */
    public float[] toFloats() {
        return during(() -> Elements.floats(this));
    }

    /** Copies all elements into an array of as many, row by row, rounded to single precision. */
    public void copyTo(float[] values) {
        requireCount(values.length);
        during(() -> {
            Elements.copy(this, values);
            return values;
        });
    }

    /** All elements, row by row. */
    public double[] toDoubles() {
        return during(() -> Elements.doubles(this));
    }

    /** Sets all elements to one value. */
    public void fill(double value) {
        change(() -> Elements.fill(this, value));
    }

    /** Copies the elements of a tensor of the same dimensions, converting the number format where it differs. */
    public void copyFrom(Tensor from) {
        if (from.rows() != rows() || from.cols() != cols()) {
            throw new BadInputException("cannot copy " + from + " into " + this + ": the dimensions must be equal");
        }
        change(() -> from.during(() -> {
            for (int r = 0; r < rows(); r++) {
                copyRow(r, from, r);
            }
            return Boolean.TRUE;
        }));
    }

    /** A copy in memory of its own; the caller closes it. */
    public Tensor copy(DType type) {
        Tensor t = allocate(type, rows(), cols());
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
            throw new WrongUseException("the bytes of " + this + " were asked for, whose rows do not follow each"
                    + " other. Copy it first.");
        }
        enterOwn();
        try {
            action.run(bytes());
        } finally {
            leave();
        }
        changed();
    }

    /** How often elements of it, of a view of it, or of the tensor that it is a view of were changed; two equal numbers mean that nothing was. */
    public int version() {
        return place().version();
    }

    /** Whether every element is a finite number. */
    public boolean isFinite() {
        return during(() -> Elements.areFinite(this));
    }

    /** Takes it, with all views of it, for the one who changes it over some time; false if somebody has it. To be ended by {@link #giveBack}. */
    public boolean claim() {
        return place().claimed().compareAndSet(false, true);
    }

    /** Ends what {@link #claim} began. */
    public void giveBack() {
        place().claimed().set(false);
    }

    /** Marks one more use of an arena tensor. */
    public Tensor hold() {
        place().hold();
        return this;
    }

    /** Ends a use that {@link #hold} marked, and tells how many are left. */
    public int unhold() {
        return place().unhold();
    }

    /** Whether something still needs it. */
    public boolean isHeld() {
        return place().holds() > 0;
    }

    /** Whether several uses share it, so that it must not be changed in place. */
    public boolean isShared() {
        return place().holds() > 1;
    }

    /** Whether both are views of the same tensor, or one is a view of the other. */
    public boolean sharesPlaceWith(Tensor other) {
        return place() == other.place();
    }

    /** Whether its memory belongs to this arena. */
    public boolean isInArena(Arena arena) {
        return place().isIn(arena);
    }

    @Override
    public void close() {
        if (ownsMemory) {
            place().close();
        }
    }
}
