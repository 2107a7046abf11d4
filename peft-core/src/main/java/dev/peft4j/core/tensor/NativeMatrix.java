package dev.peft4j.core.tensor;

import dev.peft4j.core.error.WrongUseException;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Rows and columns of native memory, and the ways to its elements within an operation: {@link #enter}, any number of reads and writes, {@link #leave}. What
 * a {@link Tensor} does by itself is such an operation, and so is every kernel.
 */
class NativeMatrix {
    private final Place place; // shared by a tensor and its views
    private final long offset; // in elements
    private final DType dtype;
    private final int rows;
    private final int cols;
    private final int stride;

    NativeMatrix(Place place, DType dtype, long offset, int rows, int cols, int stride) {
        this.place = place;
        this.dtype = dtype;
        this.offset = offset;
        this.rows = rows;
        this.cols = cols;
        this.stride = stride;
    }

    public final DType dtype() {
        return dtype;
    }

    public final int rows() {
        return rows;
    }

    public final int cols() {
        return cols;
    }

    /** Elements from the start of a row to the start of the next one. */
    public final int stride() {
        return stride;
    }

    public final long size() {
        return (long) rows * cols;
    }

    /** Whether the rows follow each other without gaps. */
    public final boolean isContiguous() {
        return stride == cols || rows == 1;
    }

    /** What it and its views have in common. */
    final Place place() {
        return place;
    }

    /** Where it begins in its memory, in elements. */
    final long offset() {
        return offset;
    }

    /**
     * Begins an operation: the memory lasts until {@link #leave}.
     *
     * @throws WrongUseException if it is closed, or the pass that it belongs to is
     */
    final void enter() {
        live().enter();
    }

    /** The same for an operation that writes, or that runs for some time: what belongs to the pass of another thread is refused. */
    final void enterOwn() {
        place.requireOwnThread();
        enter();
    }

    /** Ends an operation. */
    final void leave() {
        place.leave();
    }

    /** Runs an operation on the memory; what it has read of a pass that another thread has closed meanwhile is thrown away. */
    final <T extends @Nullable Object> T during(Supplier<T> operation) {
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
    final void change(Runnable operation) {
        enterOwn();
        try {
            operation.run();
        } finally {
            leave();
            changed();
        }
    }

    /** To be called when elements of it, or of a view of it, have changed. */
    final void changed() {
        place.changed();
    }

    final NativeMemory live() {
        return place.memory(this);
    }

    final long address() {
        return live().address() + offset * dtype.bytes();
    }

    final long address(int row, int col) {
        return live().address() + (offset + (long) row * stride + col) * dtype.bytes();
    }

    /** Copies {@code n} elements of a row into an array. */
    final void read(int row, int col, float[] to, int at, int n) {
        long i = place(row, col, n);
        live().floats(i).get(NativeMemory.floatIndex(i), to, at, n);
    }

    /** Copies {@code n} elements of an array into a row. */
    final void write(int row, int col, float[] from, int at, int n) {
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

    /** The element at a place, within an operation that counts as a use. */
    final double value(int row, int col) {
        return at(place(row, col, 1));
    }

    /** Sets one element, within an operation that counts as a use. */
    final void put(int row, int col, double value) {
        setAt(place(row, col, 1), value);
    }

    private double at(long i) {
        return dtype == DType.F32
                ? live().floats(i).get(NativeMemory.floatIndex(i))
                : live().doubles(i).get(NativeMemory.doubleIndex(i));
    }

    private void setAt(long i, double value) {
        if (dtype == DType.F32) {
            live().floats(i).put(NativeMemory.floatIndex(i), (float) value);
        } else {
            live().doubles(i).put(NativeMemory.doubleIndex(i), value);
        }
    }

    /** Copies a row, within an operation that counts as a use of both. */
    final void copyRow(int row, NativeMatrix from, int fromRow) {
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

    /** Copies the bits of {@code n} elements of a row in single precision. */
    final void readBits(int row, int col, int[] to, int n) {
        long i = place(row, col, n);
        live().ints(i).get(NativeMemory.floatIndex(i), to, 0, n);
    }

    /** Copies the bits of {@code n} elements of single precision into a row. */
    final void writeBits(int row, int col, int[] bits, int n) {
        long i = place(row, col, n);
        live().ints(i).put(NativeMemory.floatIndex(i), bits, 0, n);
    }

    /** The bytes of a contiguous one. */
    final ByteBuffer bytes() {
        return live().bytes(offset * dtype.bytes(), Math.toIntExact(size() * dtype.bytes()));
    }

    @Override
    public final String toString() {
        return dtype + " (" + rows + ", " + cols + ")";
    }
}
