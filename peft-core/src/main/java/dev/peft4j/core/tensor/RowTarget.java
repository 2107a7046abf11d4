package dev.peft4j.core.tensor;

/** A row of a tensor that is written by an operation over its rows; to be used by that operation only. */
public final class RowTarget {
    private final Tensor tensor;
    private int row;

    /** What writes rows. */
    @FunctionalInterface
    public interface Writer {
        /** Writes a row, in whatever thread. */
        void write(int row, RowTarget to);
    }

    private RowTarget(Tensor tensor) {
        this.tensor = tensor;
    }

    /** Writes all rows of a tensor in this thread. */
    public static void writeAll(Tensor to, Writer writer) {
        to.change(() -> write(to, 0, to.rows(), writer));
    }

    /** Writes some rows, within an operation that counts as a use of the tensor. */
    static void write(Tensor to, int from, int end, Writer writer) {
        RowTarget target = new RowTarget(to);
        for (int r = from; r < end; r++) {
            target.row = r;
            writer.write(r, target);
        }
    }

    /** Number of elements. */
    public int size() {
        return tensor.cols();
    }

    /** Writes some elements from a column on. */
    public void put(int column, float[] values, int n) {
        if (tensor.dtype() == DType.F32) {
            tensor.write(row, column, values, 0, n);
        } else {
            for (int i = 0; i < n; i++) {
                tensor.put(row, column + i, values[i]);
            }
        }
    }

    /** Writes some elements from a column on, rounded where the tensor is in single precision. */
    public void put(int column, double[] values, int n) {
        if (tensor.dtype() == DType.F32) {
            float[] rounded = Scratch.array(0, n);
            for (int i = 0; i < n; i++) {
                rounded[i] = (float) values[i];
            }
            tensor.write(row, column, rounded, 0, n);
        } else {
            for (int i = 0; i < n; i++) {
                tensor.put(row, column + i, values[i]);
            }
        }
    }

    /** Writes some elements, given by the bits of single precision, from a column on. */
    public void putBits(int column, int[] bits, int n) {
        if (tensor.dtype() == DType.F32) {
            tensor.writeBits(row, column, bits, n);
        } else {
            for (int i = 0; i < n; i++) {
                tensor.put(row, column + i, Float.intBitsToFloat(bits[i]));
            }
        }
    }

    /** Multiplies some elements, from the first one on. */
    public void scale(float factor, int n) {
        if (tensor.dtype() == DType.F32) {
            float[] values = Scratch.array(0, n);
            tensor.read(row, 0, values, 0, n);
            for (int i = 0; i < n; i++) {
                values[i] *= factor;
            }
            tensor.write(row, 0, values, 0, n);
        } else {
            for (int i = 0; i < n; i++) {
                tensor.put(row, i, tensor.value(row, i) * factor);
            }
        }
    }

    /** Copies a row of a tensor of as many columns. */
    public void copy(Tensor from, int fromRow) {
        from.enter();
        try {
            tensor.copyRow(row, from, fromRow);
        } finally {
            from.leave();
        }
    }
}
