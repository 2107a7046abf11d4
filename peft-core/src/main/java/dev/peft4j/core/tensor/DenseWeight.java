package dev.peft4j.core.tensor;

/**
 * A weight that is stored as a plain matrix.
 *
 * @param dense (O, I); whoever made it closes it
 */
public record DenseWeight(Tensor dense) implements FrozenWeight {
    @Override
    public int out() {
        return dense.rows();
    }

    @Override
    public int in() {
        return dense.cols();
    }

    @Override
    public void multiply(Backend backend, Tensor x, double beta, Tensor y) {
        backend.matrices().gemm(false, true, 1, x, dense, beta, y);
    }

    @Override
    public void multiplyTransposed(Backend backend, Tensor dy, double beta, Tensor dx) {
        backend.matrices().gemm(false, false, 1, dy, dense, beta, dx);
    }

    @Override
    public long bytes() {
        return dense.size() * dense.dtype().bytes();
    }
}
