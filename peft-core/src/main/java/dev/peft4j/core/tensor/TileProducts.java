package dev.peft4j.core.tensor;

import org.jspecify.annotations.Nullable;

/** Products of a tile of attention on the calling thread: small ones, of columns of packed matrices. A library computes those of even sides where it is faster. */
final class TileProducts {
    private final @Nullable HostProducts library;

    /** @param library what computes some of them, or null */
    TileProducts(@Nullable HostProducts library) {
        this.library = library;
    }

    /** {@code c = alpha · op(a) op(b) + beta · c} on addresses; op(a) (M, K), op(b) (K, N), c (M, N), beta 0 or 1. */
    void multiply(
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
        HostProducts other = library;
        int all = transposeA ? k : m;
        if (other == null || other.faster(transposeA, transposeB, m, n, k) < all) {
            HostMatrixEngine.sgemm(transposeA, transposeB, m, n, k, alpha, a, strideA, b, strideB, beta, c, strideC);
            return;
        }
        other.compute(
                new HostProducts.Product(
                        HostProducts.Format.F32,
                        m,
                        n,
                        k,
                        alpha,
                        new HostProducts.Operand(a, strideA, transposeA),
                        new HostProducts.Operand(b, strideB, transposeB),
                        beta,
                        c,
                        strideC),
                HostMatrixEngine::workingMemory);
    }
}
