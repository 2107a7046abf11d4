package dev.peft4j.core.tensor;

import static dev.peft4j.core.tensor.Guard.tensors;

/** Products in a {@link Guard}. */
final class GuardedMatrices implements MatrixEngine {
    private final MatrixEngine matrices;
    private final Guard guard;

    GuardedMatrices(MatrixEngine matrices, Guard guard) {
        this.matrices = matrices;
        this.guard = guard;
    }

    @Override
    public void gemm(boolean transposeA, boolean transposeB, double alpha, Tensor a, Tensor b, double beta, Tensor c) {
        guard.run(() -> matrices.gemm(transposeA, transposeB, alpha, a, b, beta, c), tensors(a, b), tensors(c));
    }
}
