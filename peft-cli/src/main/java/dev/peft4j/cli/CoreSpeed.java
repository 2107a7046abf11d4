package dev.peft4j.cli;

import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Tensor;

/**
 * What the cores give at best: the two edges of the roofline (Williams et al. 2009, <a href="https://doi.org/10.1145/1498765.1498785">paper</a>).
 *
 * @param operations floating-point operations per second in large products
 * @param bytes per second that are read and written in a copy of arrays that no cache holds
 */
record CoreSpeed(double operations, double bytes) {
    private static final int SIDE = 1024;
    private static final int COPIED = 32 << 20; // elements
    private static final double SECONDS = 0.5; // for each of the two

    /** The best of some runs. */
    static CoreSpeed measure(Backend backend) {
        return new CoreSpeed(products(backend), copies(backend));
    }

    /** The better of two measurements, of each of the two numbers. */
    CoreSpeed orBetter(CoreSpeed other) {
        return new CoreSpeed(Math.max(operations, other.operations), Math.max(bytes, other.bytes));
    }

    /** Seconds that work takes at the least. */
    double seconds(double workOperations, double workBytes) {
        return Math.max(workOperations / operations, workBytes / bytes);
    }

    /** Whether work is bound by what the cores compute, not by what the memory gives. */
    boolean isBoundByOperations(double workOperations, double workBytes) {
        return workOperations / operations >= workBytes / bytes;
    }

    private static double products(Backend backend) {
        try (Tensor a = Tensor.zeros(backend.dtype(), SIDE, SIDE);
                Tensor b = Tensor.zeros(backend.dtype(), SIDE, SIDE);
                Tensor c = Tensor.zeros(backend.dtype(), SIDE, SIDE)) {
            a.fill(1);
            b.fill(1);
            return 2.0 * SIDE * SIDE * SIDE / best(() -> backend.matrices().gemm(false, true, 1, a, b, 0, c));
        }
    }

    private static double copies(Backend backend) {
        try (Tensor x = Tensor.zeros(backend.dtype(), COPIED / SIDE, SIDE);
                Tensor y = Tensor.zeros(backend.dtype(), COPIED / SIDE, SIDE)) {
            x.fill(1);
            return 2.0
                    * COPIED
                    * backend.dtype().bytes()
                    / best(() -> backend.kernels().copy(x, y));
        }
    }

    private static double best(Runnable work) {
        double best = Double.POSITIVE_INFINITY;
        long end = System.nanoTime() + (long) (SECONDS * 1e9);
        do {
            long start = System.nanoTime();
            work.run();
            best = Math.min(best, (System.nanoTime() - start) / 1e9);
        } while (System.nanoTime() < end);
        return best;
    }
}
