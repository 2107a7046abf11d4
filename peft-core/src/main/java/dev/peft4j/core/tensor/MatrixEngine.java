package dev.peft4j.core.tensor;

import org.jspecify.annotations.Nullable;

/** Matrix products: the one interface through which all heavy arithmetic goes. */
public interface MatrixEngine {

    /**
     * {@code c = alpha · op(a) op(b) + beta · c}, where op transposes if asked to.
     *
     * @param a (M, K), or (K, M) if {@code transposeA}
     * @param b (K, N), or (N, K) if {@code transposeB}
     * @param c (M, N); with {@code beta} 0 its old content does not matter
     */
    void gemm(boolean transposeA, boolean transposeB, double alpha, Tensor a, Tensor b, double beta, Tensor c);

    /** The same with operands of 16 bits, which is several times as fast; null where the processor has no instructions for it. */
    default @Nullable Bf16Engine bf16() {
        return null;
    }
}
