package dev.peft4j.core.tensor;

/** The non-linear functions of the model families. */
public enum Activation {
    /** {@code x · Φ(x)} with the exact error function (Hendrycks and Gimpel 2016). */
    GELU,
    /** The tanh approximation of GELU, {@code gelu_new} in GPT-2. */
    GELU_TANH,
    /** {@code x · sigmoid(x)}, also called swish. */
    SILU,
    /** {@code 1 / (1 + e^-x)}. */
    SIGMOID,
    /** Hyperbolic tangent. */
    TANH,
    /** {@code max(0, x)}. */
    RELU,
    /** {@code x} above 0, {@code x / 100} below (Maas et al. 2013). */
    LEAKY_RELU
}
