package dev.peft4j.core.tensor;

/**
 * Cuts a product into parts for the {@link Workers}.
 *
 * <p>On some processors the last bits of an element depend on its place in the product that BLAS is given. So the strips follow from the dimensions and from the
 * machine alone, and are the same whether many threads compute them or one.
 */
final class Strips {
    private static final long PARALLEL_FLOPS = 400_000; // about 10 µs, three times the cost of waking a worker
    private static final int ALIGNMENT = 16;
    static final int COUNT = count(Runtime.getRuntime().availableProcessors());
    private static final int LOW_RANK = 32;
    private static final int FEWEST = 64; // columns of a part that a strip copies

    private final Workers workers;

    Strips(Workers workers) {
        this.workers = workers;
    }

    /** Computes some rows and columns of the result. */
    @FunctionalInterface
    interface Strip {
        void compute(int row, int rows, int column, int columns);
    }

    /** Goes through the rows, or the columns, of a result (M, N) with inner dimension K. */
    void run(int m, int n, int k, Strip strip) {
        int parts = 2L * m * n * k < PARALLEL_FLOPS ? 1 : COUNT;
        boolean update = k <= LOW_RANK && m >= n / 8; // each strip then reads and writes whole rows of c
        if (n >= m && !update) {
            alongColumns(m, n, parts, strip);
        } else {
            workers.forRange(m, size(m, parts), (from, to) -> strip.compute(from, to - from, 0, n));
        }
    }

    /** The same for products that copy the second operand (K, N), each strip its own part of it: columns are cut if there are enough of them. */
    void runAlongColumns(int m, int n, int k, Strip strip) {
        if (n >= FEWEST * COUNT && 2L * m * n * k >= PARALLEL_FLOPS) {
            alongColumns(m, n, COUNT, strip);
        } else {
            run(m, n, k, strip);
        }
    }

    private void alongColumns(int m, int n, int parts, Strip strip) {
        workers.forRange(n, size(n, parts), (from, to) -> strip.compute(0, m, from, to - from));
    }

    /** Of a large product: two also for one processor, so that a container with half of a machine of two computes the same bits; powers of two beyond. */
    static int count(int processors) {
        return processors <= 2 ? 2 : Integer.highestOneBit(2 * processors - 1);
    }

    private static int size(int n, int parts) {
        int size = (n + parts - 1) / parts;
        return parts == 1 ? n : (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }
}
