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
import org.jspecify.annotations.Nullable;

/**
 * Products by the OpenBLAS that ND4J brings, called on the memory of the tensors with their strides.
 *
 * <p>OpenBLAS runs on the calling thread only, and large products are cut into {@link Strips} for the {@link Workers}: its own threads
 * would spin beside the threads of the row kernels, and would take turns when attention heads call it in parallel.
 *
 * <p>Another library ({@link HostProducts}) computes the products that it computes faster.
 */
final class HostMatrixEngine implements MatrixEngine {
    static final NativeLibrary OPENBLAS = new NativeLibrary(
            "org.bytedeco:openblas", "org/bytedeco/openblas", 100, () -> Loader.load(openblas_nolapack.class));

    private static final int WARM_ROWS = 256;
    private static final int WARM_FROM = 1 << 15; // elements of b

    private static final ThreadMemory WORKING = new ThreadMemory(1 << 18);

    private final Strips strips;
    private final @Nullable HostProducts library;
    private final @Nullable HostBf16Engine bf16;

    /** @param library what computes some of the products, or null */
    HostMatrixEngine(Workers workers, @Nullable HostProducts library) {
        this.strips = new Strips(workers);
        this.library = library;
        this.bf16 =
                library != null && library.has(HostProducts.Format.BF16) ? new HostBf16Engine(workers, library) : null;
        BlasThreads.one();
    }

    @Override
    public @Nullable Bf16Engine bf16() {
        return bf16;
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
        strips.run(
                m,
                n,
                k,
                (row, rows, column, columns) -> product(
                        transposeA,
                        transposeB,
                        alpha,
                        transposeA ? a.columns(row, rows) : a.rows(row, rows),
                        transposeB ? b.rows(column, columns) : b.columns(column, columns),
                        beta,
                        c.rows(row, rows).columns(column, columns)));
    }

    /** A product on this thread, by whatever is faster. */
    private void product(
            boolean transposeA, boolean transposeB, double alpha, Tensor a, Tensor b, double beta, Tensor c) {
        HostProducts other = library;
        int k = transposeA ? a.rows() : a.cols();
        boolean sums = beta == 0 || beta == 1;
        int part = other == null || !sums ? 0 : other.faster(transposeA, transposeB, c.rows(), c.cols(), k);
        if (other == null || part == 0) {
            blas(transposeA, transposeB, alpha, a, b, beta, c);
        } else if (transposeA) {
            compute(other, true, transposeB, alpha, a.rows(0, part), b, beta, c);
            if (part < k) {
                Tensor rest = transposeB ? b.columns(part, k - part) : b.rows(part, k - part);
                blas(true, transposeB, alpha, a.rows(part, k - part), rest, 1, c);
            }
        } else {
            int rest = c.rows() - part;
            compute(other, false, transposeB, alpha, a.rows(0, part), b, beta, c.rows(0, part));
            if (rest > 0) {
                blas(false, transposeB, alpha, a.rows(part, rest), b, beta, c.rows(part, rest));
            }
        }
    }

    /** The same by another library; of b as much as the inner dimension of a asks for. */
    private static void compute(
            HostProducts library,
            boolean transposeA,
            boolean transposeB,
            double alpha,
            Tensor a,
            Tensor b,
            double beta,
            Tensor c) {
        library.compute(
                new HostProducts.Product(
                        HostProducts.Format.F32,
                        c.rows(),
                        c.cols(),
                        transposeA ? a.rows() : a.cols(),
                        alpha,
                        new HostProducts.Operand(a.address(), a.stride(), transposeA),
                        new HostProducts.Operand(b.address(), b.stride(), transposeB),
                        beta,
                        c.address(),
                        c.stride()),
                HostMatrixEngine::workingMemory);
    }

    /** See {@link HostProducts.WorkingMemory}. */
    static long workingMemory(long bytes) {
        return WORKING.get(Math.toIntExact((bytes + Float.BYTES - 1) / Float.BYTES))
                .address();
    }

    /** Frees that of this thread, which ends. */
    static void freeWorkingMemory() {
        WORKING.free();
    }

    /**
     * The same by OpenBLAS. The rows of a large b that is not transposed are read in blocks just before they are used: BLAS goes
     * through them in narrow columns, which is slow in memory that is not in the cache yet.
     */
    private static void blas(
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
    static void scale(double beta, Tensor c) {
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
