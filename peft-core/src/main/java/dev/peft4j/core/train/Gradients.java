package dev.peft4j.core.train;

import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Tensor;
import java.util.List;

/** The gradients of several parameters as one vector. */
public final class Gradients {
    private static final double EPS = 1e-6; // as torch.nn.utils.clip_grad_norm_

    private Gradients() {}

    /** The 2-norm over all parameters; infinite or NaN only if a gradient is. */
    public static double norm(Backend backend, List<Parameter> parameters) {
        double sum = 0;
        for (Parameter p : parameters) {
            double squares = backend.kernels().sumOfSquares(p.grad());
            sum += Double.isFinite(squares) ? squares : squares(p.grad());
        }
        return Math.sqrt(sum);
    }

    /** In double precision: from 1e19 on, single squares are infinite. */
    private static double squares(Tensor grad) {
        double sum = 0;
        for (int r = 0; r < grad.rows(); r++) {
            for (double g : grad.rows(r, 1).toDoubles()) {
                sum += g * g;
            }
        }
        return sum;
    }

    /** Scales the gradients so that their norm is at most {@code maxNorm}; returns the norm before. */
    public static double clip(Backend backend, List<Parameter> parameters, double maxNorm) {
        double norm = norm(backend, parameters);
        double factor = maxNorm / (norm + EPS);
        if (factor < 1) {
            for (Parameter p : parameters) {
                backend.kernels().scale(factor, p.grad());
            }
        }
        return norm;
    }
}
