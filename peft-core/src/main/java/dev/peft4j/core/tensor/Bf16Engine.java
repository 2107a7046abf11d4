package dev.peft4j.core.tensor;

/**
 * Products whose operands are rounded to bfloat16, to the nearest number and to an even one of two, and whose sums are of single precision; what PyTorch
 * computes under {@code autocast}.
 */
public interface Bf16Engine extends MatrixEngine {
    /**
     * {@code c = a op(b) + beta · c} with a matrix that is kept in 16 bits.
     *
     * @param a (M, K)
     * @param b rows one after another, (N, K) if {@code transposeB}, else (K, N)
     * @param c (M, N)
     */
    void gemm(Tensor a, boolean transposeB, NativeBytes b, double beta, Tensor c);
}
