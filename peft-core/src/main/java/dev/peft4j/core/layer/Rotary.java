package dev.peft4j.core.layer;

import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.error.WrongUseException;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * Rotary position embedding: pairs (i, i + R/2) of the first R columns of a head are rotated by {@code position · inverseFrequency[i]}; R is H for most models.
 *
 * <p>Su et al. 2021, <a href="https://arxiv.org/abs/2104.09864">paper</a>, section 3.4, with the pairs of Hugging Face's checkpoints.
 *
 * <p>The tables of cosines and sines grow with the longest sequence that is met, not with the context that a config claims.
 */
public final class Rotary implements AutoCloseable {
    private static final int FIRST_POSITIONS = 256;

    private final DType dtype;
    private final float[] inverseFrequencies;
    private final List<Tables> all = new ArrayList<>(); // outgrown tables may still be in use by other threads
    private volatile Tables current;
    private boolean closed; // under the lock of all

    /** Cosines and sines (positions, R/2). */
    private record Tables(Tensor cosines, Tensor sines) {}

    /**
     * Tables for the first positions.
     *
     * @param inverseFrequencies R/2 angles per position, in single precision as the reference computes them
     */
    public Rotary(DType dtype, float[] inverseFrequencies) {
        this.dtype = dtype;
        this.inverseFrequencies = inverseFrequencies.clone();
        this.current = grow(FIRST_POSITIONS);
    }

    /** The usual frequencies {@code theta^(-2i/R)}. */
    public static float[] frequencies(double theta, int columns) {
        float[] f = new float[columns / 2];
        for (int i = 0; i < f.length; i++) {
            f[i] = (float) (1 / Math.pow(theta, 2.0 * i / columns));
        }
        return f;
    }

    private Tables tables(int[] positions) {
        int needed = 0;
        for (int p : positions) {
            needed = Math.max(needed, p + 1);
        }
        Tables t = current;
        if (t.cosines.rows() >= needed) {
            return t;
        }
        synchronized (all) {
            if (closed) {
                throw new WrongUseException(
                        "rotary positions up to " + needed
                                + " were asked for after their tables were closed. Close them with the model, when nothing uses it.");
            }
            if (current.cosines.rows() < needed) {
                current = grow(Math.max(needed, 2 * current.cosines.rows()));
            }
            return current;
        }
    }

    private Tables grow(int positions) {
        int half = inverseFrequencies.length;
        Tables t = new Tables(Tensor.allocate(dtype, positions, half), Tensor.allocate(dtype, positions, half));
        double[] cosines = new double[half];
        double[] sines = new double[half];
        for (int p = 0; p < positions; p++) {
            for (int i = 0; i < half; i++) {
                float angle = p * inverseFrequencies[i];
                cosines[i] = Math.cos(angle);
                sines[i] = Math.sin(angle);
            }
            t.cosines.rows(p, 1).set(cosines);
            t.sines.rows(p, 1).set(sines);
        }
        all.add(t);
        return t;
    }

    /** Rotates x (T, heads·H) in place; returns x. */
    public Node forward(Pass pass, Node x, int heads, int[] positions) {
        Tables t = tables(positions);
        pass.backend().kernels().rotate(x.value(), heads, positions, t.cosines, t.sines, false);
        if (pass.needsGrad(x)) {
            pass.record(x, () -> {
                pass.prepareGrad(x);
                pass.backend().kernels().rotate(x.grad(), heads, positions, t.cosines, t.sines, true);
            });
        }
        return x;
    }

    @Override
    public void close() {
        synchronized (all) {
            for (Tables t : all) {
                t.cosines.close();
                t.sines.close();
            }
            all.clear();
            closed = true;
        }
    }
}
