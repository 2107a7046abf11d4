package dev.peft4j.core.tensor;

import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.tensor.HostProducts.Format;
import dev.peft4j.core.tensor.HostProducts.Operand;
import dev.peft4j.core.tensor.HostProducts.Product;
import java.util.Arrays;

/**
 * Products of 16 bits by a library. Operands of single precision are rounded into memory of the thread, and an inner dimension that would need much of it is
 * cut into pieces whose products are added.
 */
final class HostBf16Engine implements Bf16Engine {
    private static final ThreadMemory ROUNDED = new ThreadMemory(1 << 18);
    private static final int MOST = 1 << 23; // rounded numbers at a time: 16 MiB
    private static final int GRAIN = 1 << 14; // numbers that a worker rounds at a time
    private static final int LINE = 32; // numbers of a cache line, which rounded rows are filled up to

    private final Workers workers;
    private final Strips strips;
    private final HostProducts library;

    HostBf16Engine(Workers workers, HostProducts library) {
        this.workers = workers;
        this.strips = new Strips(workers);
        this.library = library;
    }

    /**
     * A matrix of 16-bit numbers, an even number of them in each row in memory. Rounded rows end with zeros: AMX reads the first operand to the end of a tile.
     *
     * @param address of the first one
     * @param stride of its rows
     */
    private record Rounded(long address, int stride) {
        Operand at(boolean transposed, int row, int column) {
            long i = transposed ? (long) column * stride + row : (long) row * stride + column;
            return new Operand(address + Short.BYTES * i, stride, transposed);
        }
    }

    @Override
    public void gemm(Tensor a, boolean transposeB, NativeBytes b, double beta, Tensor c) {
        int k = a.cols();
        int stride = even(transposeB ? k : c.cols());
        if (a.rows() != c.rows() || b.size() != (long) Short.BYTES * stride * (transposeB ? c.cols() : k)) {
            throw new BadInputException("the product of " + a + " and " + b.size() + " bytes of 16-bit numbers"
                    + (transposeB ? ", transposed," : "") + " does not have the dimensions of " + c);
        }
        requireSingle(a, c);
        if (isEmpty(k, beta, c)) {
            return;
        }
        Rounded weights = new Rounded(b.address(), stride);
        int piece = piece(c.rows());
        for (int from = 0; from < k; from += piece) {
            int count = Math.min(piece, k - from);
            Rounded left = round(a.columns(from, count), 0, ROUNDED.get(pairs(c.rows(), count)));
            int start = from;
            run(
                    c,
                    count,
                    1,
                    from == 0 ? beta : 1,
                    (row, column) -> left.at(false, row, 0),
                    (row, column) -> transposeB ? weights.at(true, start, column) : weights.at(false, start, column));
        }
    }

    @Override
    public void gemm(boolean transposeA, boolean transposeB, double alpha, Tensor a, Tensor b, double beta, Tensor c) {
        int k = transposeA ? a.rows() : a.cols();
        if ((transposeA ? a.cols() : a.rows()) != c.rows()
                || (transposeB ? b.rows() : b.cols()) != c.cols()
                || (transposeB ? b.cols() : b.rows()) != k) {
            throw new BadInputException("the product of " + a + (transposeA ? " transposed" : "") + " and " + b
                    + (transposeB ? " transposed" : "") + " does not have the dimensions of " + c);
        }
        requireSingle(a, c);
        requireSingle(b, c);
        if (isEmpty(k, beta, c)) {
            return;
        }
        int piece = piece(c.rows() + c.cols());
        for (int from = 0; from < k; from += piece) {
            int count = Math.min(piece, k - from);
            Tensor left = transposeA ? a.rows(from, count) : a.columns(from, count);
            Tensor right = transposeB ? b.columns(from, count) : b.rows(from, count);
            int first = pairs(left.rows(), left.cols());
            Tensor memory = ROUNDED.get(first + pairs(right.rows(), right.cols()));
            Rounded x = round(left, 0, memory);
            Rounded y = round(right, first, memory);
            run(
                    c,
                    count,
                    alpha,
                    from == 0 ? beta : 1,
                    (row, column) -> x.at(transposeA, row, 0),
                    (row, column) -> y.at(transposeB, 0, column));
        }
    }

    /** The part of an operand that a strip begins with. */
    private interface Part {
        Operand at(int row, int column);
    }

    private void run(Tensor c, int k, double alpha, double beta, Part a, Part b) {
        strips.runAlongColumns(
                c.rows(),
                c.cols(),
                k,
                (row, rows, column, columns) -> library.compute(
                        new Product(
                                Format.BF16,
                                rows,
                                columns,
                                k,
                                alpha,
                                a.at(row, column),
                                b.at(row, column),
                                beta,
                                c.address(row, column),
                                c.stride()),
                        HostMatrixEngine::workingMemory));
    }

    /** Rounds a matrix into memory from a place on. */
    private Rounded round(Tensor x, int at, Tensor memory) {
        int half = pairs(1, x.cols());
        workers.forRange(x.rows(), Math.max(1, GRAIN / Math.max(1, x.cols())), (from, to) -> {
            int[] bits = Scratch.ints(0, 2 * half);
            int[] packed = Scratch.ints(1, half);
            Arrays.fill(bits, x.cols(), 2 * half, 0);
            for (int r = from; r < to; r++) {
                x.readBits(r, 0, bits, x.cols());
                Bf16.pack(bits, 2 * half, packed);
                memory.writeBits(0, at + r * half, packed, half);
            }
        });
        return new Rounded(memory.address(0, at), 2 * half);
    }

    /** Whether there is nothing to multiply. */
    private static boolean isEmpty(int k, double beta, Tensor c) {
        if (k == 0) {
            HostMatrixEngine.scale(beta, c);
        }
        return k == 0 || c.size() == 0;
    }

    private static int pairs(int rows, int cols) {
        return rows * ((cols + LINE - 1) / LINE * LINE / 2);
    }

    /** How much of the inner dimension is rounded at a time; even, so that a piece of a row begins with a whole pair. */
    private static int piece(int others) {
        return Math.max(64, even(MOST / Math.max(1, others)));
    }

    private static int even(int n) {
        return (n + 1) / 2 * 2;
    }

    private static void requireSingle(Tensor x, Tensor c) {
        if (x.dtype() != DType.F32 || c.dtype() != DType.F32) {
            throw new BadInputException("numbers of single precision are rounded to 16 bits, not those of " + x
                    + " into " + c + "; use the ND4J engine for F64");
        }
    }
}
