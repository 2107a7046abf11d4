package dev.peft4j.core.tensor;

import static dev.peft4j.core.tensor.Guard.tensors;

import org.jspecify.annotations.Nullable;

/** Products in a {@link Guard}. */
final class GuardedMatrices implements MatrixEngine {
    private final MatrixEngine matrices;
    private final Guard guard;
    private final @Nullable Bf16Engine bf16;

    GuardedMatrices(MatrixEngine matrices, Guard guard) {
        this.matrices = matrices;
        this.guard = guard;
        Bf16Engine sixteen = matrices.bf16();
        this.bf16 = sixteen == null ? null : new GuardedBf16(sixteen, guard);
    }

    @Override
    public @Nullable Bf16Engine bf16() {
        return bf16;
    }

    @Override
    public void gemm(boolean transposeA, boolean transposeB, double alpha, Tensor a, Tensor b, double beta, Tensor c) {
        guard.run(() -> matrices.gemm(transposeA, transposeB, alpha, a, b, beta, c), tensors(a, b), tensors(c));
    }

    private record GuardedBf16(Bf16Engine matrices, Guard guard) implements Bf16Engine {
        @Override
        public void gemm(
                boolean transposeA, boolean transposeB, double alpha, Tensor a, Tensor b, double beta, Tensor c) {
            guard.run(() -> matrices.gemm(transposeA, transposeB, alpha, a, b, beta, c), tensors(a, b), tensors(c));
        }

        @Override
        public void gemm(Tensor a, boolean transposeB, NativeBytes b, double beta, Tensor c) {
            b.enter();
            try {
                guard.run(() -> matrices.gemm(a, transposeB, b, beta, c), tensors(a), tensors(c));
            } finally {
                b.leave();
            }
        }
    }
}
