package dev.peft4j.core.tensor;

import static org.bytedeco.openblas.global.openblas_nolapack.CblasNoTrans;
import static org.bytedeco.openblas.global.openblas_nolapack.CblasRowMajor;
import static org.bytedeco.openblas.global.openblas_nolapack.CblasTrans;
import static org.bytedeco.openblas.global.openblas_nolapack.cblas_sgemm;
import static org.bytedeco.openblas.global.openblas_nolapack.cblas_sgemv;

import dev.peft4j.core.error.BadInputException;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.openblas.global.openblas_nolapack;

/**
 * Products by the OpenBLAS that ND4J brings, called on the memory of the tensors with their strides.
 *
 * <p>OpenBLAS runs on the calling thread only, and large products are cut into strips for the {@link Workers}: its own threads
 * would spin beside the threads of the row kernels, and would take turns when attention heads call it in parallel.
 *
 * <p>On some processors the last bits of an element depend on its place in the product that OpenBLAS is given. So the strips follow from the dimensions and from the
 * machine alone, and are the same whether many threads compute them or one.
 */
final class HostMatrixEngine implements MatrixEngine {
    static final NativeLibrary OPENBLAS = new NativeLibrary(
            "org.bytedeco:openblas", "org/bytedeco/openblas", 100, () -> Loader.load(openblas_nolapack.class));

    private static final long PARALLEL_FLOPS = 400_000; // about 10 µs, three times the cost of waking a worker
    private static final int ALIGNMENT = 16;
    private static final int STRIPS = strips(Runtime.getRuntime().availableProcessors());
    private static final int LOW_RANK = 32;
    private static final int WARM_ROWS = 256;
    private static final int WARM_FROM = 1 << 15; // elements of b

    private final Workers workers;

    HostMatrixEngine(Workers workers) {
        this.workers = workers;
        BlasThreads.one();
    }

    @Override
    public void gemm(boolean transposeA, boolean transposeB, double alpha, Tensor a, Tensor b, double beta, Tensor c) {
        int m = c.rows();
        int n = c.cols();
        int k = transposeA ? a.rows() : a.cols();
        int aRows = transposeA ? a.cols() : a.rows();
        int bRows = transposeB ? b.cols() : b.rows();
        int bCols = transposeB ? b.rows() : b.cols();
        if (aRows != m || bRows != k || bCols != n) {
            throw new BadInputException("the product of " + a + (transposeA ? " transposed" : "") + " and " + b
                    + (transposeB ? " transposed" : "") + " does not have the dimensions of " + c);
        }
        if (a.dtype() != DType.F32 || b.dtype() != DType.F32 || c.dtype() != DType.F32) {
            throw new BadInputException("the host engine computes in F32; use the ND4J engine for F64");
        }
        if (m == 0 || n == 0) {
            return;
        }
        if (k == 0) {
            scale(beta, c);
            return;
        }
        int parts = 2L * m * n * k < PARALLEL_FLOPS ? 1 : STRIPS;
        boolean update = k <= LOW_RANK && m >= n / 8; // each strip then reads and writes whole rows of c
        if (n >= m && !update) {
            workers.forRange(
                    n,
                    strip(n, parts),
                    (from, to) -> product(
                            transposeA,
                            transposeB,
                            alpha,
                            a,
                            transposeB ? b.rows(from, to - from) : b.columns(from, to - from),
                            beta,
                            c.columns(from, to - from)));
        } else {
            workers.forRange(
                    m,
                    strip(m, parts),
                    (from, to) -> product(
                            transposeA,
                            transposeB,
                            alpha,
                            transposeA ? a.columns(from, to - from) : a.rows(from, to - from),
                            b,
                            beta,
                            c.rows(from, to - from)));
        }
    }

    /**
     * A product on this thread. The rows of a large b that is not transposed are read in blocks just before they are used: BLAS goes
     * through them in narrow columns, which is slow in memory that is not in the cache yet.
     */
    private static void product(
            boolean transposeA, boolean transposeB, double alpha, Tensor a, Tensor b, double beta, Tensor c) {
        int k = transposeA ? a.rows() : a.cols();
        boolean blocks = !transposeB && (long) k * b.cols() >= WARM_FROM && c.rows() > 1;
        int step = blocks ? WARM_ROWS : k;
        for (int from = 0; from < k; from += step) {
            int rows = Math.min(step, k - from);
            if (blocks) {
                warm(b, from, rows);
            }
            sgemm(
                    transposeA,
                    transposeB,
                    c.rows(),
                    c.cols(),
                    rows,
                    (float) alpha,
                    transposeA ? a.address(from, 0) : a.address(0, from),
                    a.stride(),
                    transposeB ? b.address(0, from) : b.address(from, 0),
                    b.stride(),
                    from == 0 ? (float) beta : 1f,
                    c.address(),
                    c.stride());
        }
    }

    /** What is left of a product of no terms, which OpenBLAS does not compute. */
    private static void scale(double beta, Tensor c) {
        for (int i = 0; i < c.rows(); i++) {
            for (int j = 0; j < c.cols(); j++) {
                c.put(i, j, beta == 0 ? 0 : beta * c.value(i, j));
            }
        }
    }

    /** Reads rows in their order, which the processor foresees. */
    private static void warm(Tensor b, int from, int rows) {
        float[] row = Scratch.array(0, b.cols());
        for (int r = from; r < from + rows; r++) {
            b.read(r, 0, row, 0, b.cols());
        }
    }

    /** Of a large product: two also for one processor, so that a container with half of a machine of two computes the same bits; powers of two beyond. */
    static int strips(int processors) {
        return processors <= 2 ? 2 : Integer.highestOneBit(2 * processors - 1);
    }

    private static int strip(int n, int parts) {
        int size = (n + parts - 1) / parts;
        return parts == 1 ? n : (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }

    /** One product on this thread, on addresses: {@code c = alpha · op(a) op(b) + beta · c}. */
    static void sgemm(
            boolean transposeA,
            boolean transposeB,
            int m,
            int n,
            int k,
            float alpha,
            long a,
            int strideA,
            long b,
            int strideB,
            float beta,
            long c,
            int strideC) {
        Operands p = Operands.LOCAL.get();
        if (m == 1 && !transposeA) {
            // one row: y = op(b)ᵀ a; only the number of rows and columns of b as it is stored matter
            cblas_sgemv(
                    CblasRowMajor,
                    transposeB ? CblasNoTrans : CblasTrans,
                    transposeB ? n : k,
                    transposeB ? k : n,
                    alpha,
                    p.b.at(b),
                    strideB,
                    p.a.at(a),
                    1,
                    beta,
                    p.c.at(c),
                    1);
            return;
        }
        cblas_sgemm(
                CblasRowMajor,
                transposeA ? CblasTrans : CblasNoTrans,
                transposeB ? CblasTrans : CblasNoTrans,
                m,
                n,
                k,
                alpha,
                p.a.at(a),
                strideA,
                p.b.at(b),
                strideB,
                beta,
                p.c.at(c),
                strideC);
    }

    /** Three pointers per thread that are set to an address before each call, so that a call allocates nothing. */
    private static final class Operands {
        static final ThreadLocal<Operands> LOCAL = ThreadLocal.withInitial(Operands::new);
        final Address a = new Address();
        final Address b = new Address();
        final Address c = new Address();
    }

    private static final class Address extends FloatPointer {
        Address() {
            super((Pointer) null);
        }

        Address at(long newAddress) {
            address = newAddress;
            return this;
        }
    }
}
