package dev.peft4j.core.tensor;

/** A weight W (out, in) of a base model, read only, in whatever form it is stored. */
public interface FrozenWeight {
    /** Output features O. */
    int out();

    /** Input features I. */
    int in();

    /** {@code y = x Wᵀ + beta · y}; x (T, I), y (T, O). */
    void multiply(Backend backend, Tensor x, double beta, Tensor y);

    /** {@code dx = dy W + beta · dx}; dy (T, O), dx (T, I). */
    void multiplyTransposed(Backend backend, Tensor dy, double beta, Tensor dx);

    /** The weight as a plain matrix (O, I); what it decodes to if it is stored in another form. */
    Tensor dense();

    /** Bytes of native memory that it takes. */
    long bytes();
}
