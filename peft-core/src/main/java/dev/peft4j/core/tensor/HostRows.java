package dev.peft4j.core.tensor;

/**
 * The loop of the row kernels: a row is copied into an array of the thread, worked on in loops that the compiler vectorises, and copied back. Loops
 * over the native memory itself would not be vectorised.
 */
final class HostRows {
    static final int GRAIN = 1 << 14; // elements of one piece of work: about 10 µs

    private static final int JOINED = 1024; // elements of rows that are worked on as one

    private final Workers workers;

    HostRows(Workers workers) {
        this.workers = workers;
    }

    /** What is done to one row; the arrays belong to the thread. */
    interface RowKernel {
        void run(int row, float[] a, float[] b, float[] c);
    }

    /** Runs a kernel over the rows of a matrix; the work is split so that a piece is worth a thread. */
    void run(Tensor t, RowKernel kernel) {
        int grain = Math.max(1, Math.max(GRAIN / Math.max(1, t.cols()), (t.rows() + 7) / 8));
        if (t.size() <= GRAIN) {
            grain = Math.max(1, t.rows());
        }
        workers.forRange(t.rows(), grain, (from, to) -> {
            float[] a = Scratch.array(0, t.cols());
            float[] b = Scratch.array(1, t.cols());
            float[] c = Scratch.array(2, t.cols());
            for (int r = from; r < to; r++) {
                kernel.run(r, a, b, c);
            }
        });
    }

    /**
     * How many rows of each of some matrices of the same size can be worked on as one: few elements are less than a call is worth. It follows from the sizes
     * alone.
     */
    static int together(Tensor... all) {
        int rows = all[0].rows();
        int count = 1;
        while (all[0].cols() * 2 * count <= JOINED && rows % (2 * count) == 0) {
            count *= 2;
        }
        for (Tensor t : all) {
            count = t.isContiguous() ? count : 1;
        }
        return count;
    }

    /** A matrix with so many rows as one. */
    static Tensor joined(Tensor t, int count) {
        return count == 1 ? t : t.reshape(t.rows() / count, t.cols() * count);
    }

    /** Writes values to a row, or adds them to what it holds. */
    static void writeOrAdd(Tensor t, int row, float[] values, float[] scratch, int n, boolean accumulate) {
        if (accumulate) {
            t.read(row, 0, scratch, 0, n);
            for (int i = 0; i < n; i++) {
                values[i] += scratch[i];
            }
        }
        t.write(row, 0, values, 0, n);
    }
}
