package dev.peft4j.core.layer;

import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.Tensor;

/**
 * Rotary position embedding: pairs (i, i + H/2) of a head are rotated by {@code position · inverseFrequency[i]}.
 *
 * <p>Su et al. 2021, <a href="https://arxiv.org/abs/2104.09864">paper</a>, section 3.4, with the pairs of Hugging Face's checkpoints.
 */
public final class Rotary implements AutoCloseable {
    private final Tensor cosines; // (positions, H/2)
    private final Tensor sines; // (positions, H/2)

    /**
     * Tables for all positions of a context.
     *
     * @param inverseFrequencies H/2 angles per position, in single precision as the reference computes them
     */
    public Rotary(DType dtype, float[] inverseFrequencies, int positions) {
        cosines = Tensor.allocate(dtype, positions, inverseFrequencies.length);
        sines = Tensor.allocate(dtype, positions, inverseFrequencies.length);
        for (int p = 0; p < positions; p++) {
            for (int i = 0; i < inverseFrequencies.length; i++) {
                float angle = p * inverseFrequencies[i];
                cosines.set(p, i, Math.cos(angle));
                sines.set(p, i, Math.sin(angle));
            }
        }
    }

    /** The usual frequencies {@code theta^(-2i/H)}. */
    public static float[] frequencies(double theta, int headSize) {
        float[] f = new float[headSize / 2];
        for (int i = 0; i < f.length; i++) {
            f[i] = (float) (1 / Math.pow(theta, 2.0 * i / headSize));
        }
        return f;
    }

    /** Rotates x (T, heads·H) in place; returns x. */
    public Node forward(Pass pass, Node x, int heads, int[] positions) {
        pass.backend().kernels().rotate(x.value(), heads, positions, cosines, sines, false);
        if (pass.needsGrad(x)) {
            pass.record(x, () -> {
                pass.prepareGrad(x);
                pass.backend().kernels().rotate(x.grad(), heads, positions, cosines, sines, true);
            });
        }
        return x;
    }

    @Override
    public void close() {
        cosines.close();
        sines.close();
    }
}
