package dev.peft4j.core.train;

import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.error.WrongUseException;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Tensor;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/**
 * Adam with decoupled weight decay.
 *
 * <p>Loshchilov and Hutter 2019, <a href="https://arxiv.org/abs/1711.05101">paper</a>, algorithm 2, as PyTorch computes it: decay is
 * multiplied by the learning rate, and eps is added after the bias correction.
 */
public final class AdamW implements Optimizer {
    private final double beta1;
    private final double beta2;
    private final double eps;
    private final double weightDecay;
    private final Predicate<Parameter> decayed;
    private final Map<Parameter, Moments> moments = new HashMap<>();
    private int made; // steps that count for parameters that come new
    private boolean closed;

    /** Running means of the gradient and of its square, and how many steps a parameter has made (1, 1): one that joins later begins at 0. */
    private record Moments(Tensor m, Tensor v, Tensor steps) {}

    /** All constants; every parameter is decayed. */
    public AdamW(double beta1, double beta2, double eps, double weightDecay) {
        this(beta1, beta2, eps, weightDecay, p -> true);
    }

    /** All constants, and which parameters are decayed: usually not norms and biases. */
    public AdamW(double beta1, double beta2, double eps, double weightDecay, Predicate<Parameter> decayed) {
        requireConstants(beta1, beta2, eps);
        WeightDecay.require(weightDecay);
        this.beta1 = beta1;
        this.beta2 = beta2;
        this.eps = eps;
        this.weightDecay = weightDecay;
        this.decayed = decayed;
    }

    static void requireConstants(double beta1, double beta2, double eps) {
        if (!(beta1 >= 0 && beta1 < 1 && beta2 >= 0 && beta2 < 1 && eps > 0 && Double.isFinite(eps))) {
            throw new BadInputException("AdamW with betas " + beta1 + ", " + beta2 + ", eps " + eps
                    + " was asked for; betas are from 0 to below 1, eps is above 0. Change the constants.");
        }
    }

    /** The usual constants: betas 0.9 and 0.999, eps 1e-8; every parameter is decayed. */
    public AdamW(double weightDecay) {
        this(weightDecay, p -> true);
    }

    /** The usual constants, and which parameters are decayed. */
    public AdamW(double weightDecay, Predicate<Parameter> decayed) {
        this(0.9, 0.999, 1e-8, weightDecay, decayed);
    }

    @Override
    public synchronized void step(Backend backend, List<Parameter> parameters, double learningRate) {
        requireOpen();
        for (Parameter p : parameters) {
            Tensor grad = p.grad(); // of a closed adapter there is none, and nothing to remember
            Moments s = moments(p);
            int step = (int) s.steps.toFloats()[0] + 1;
            s.steps.fill(step);
            double decay = weightDecay > 0 && decayed.test(p) ? weightDecay : 0;
            backend.kernels().adamW(p.value(), grad, s.m, s.v, learningRate, beta1, beta2, eps, decay, step);
        }
    }

    private void requireOpen() {
        if (closed) {
            throw new WrongUseException("an optimizer was used after it was closed. Make a new one.");
        }
    }

    private synchronized Moments moments(Parameter p) {
        requireOpen();
        Tensor value = p.value();
        return moments.computeIfAbsent(
                p,
                key -> new Moments(
                        Tensor.zeros(value.dtype(), value.rows(), value.cols()),
                        Tensor.zeros(value.dtype(), value.rows(), value.cols()),
                        Tensor.of(value.dtype(), 1, 1, made)));
    }

    @Override
    public Map<String, Tensor> state(Parameter parameter) {
        Moments s = moments(parameter);
        return Map.of("exp_avg", s.m, "exp_avg_sq", s.v, "step", s.steps);
    }

    @Override
    public synchronized void setSteps(int steps) {
        made = steps;
        moments.values().forEach(s -> s.steps.fill(steps));
    }

    @Override
    public synchronized void close() {
        closed = true;
        moments.values().forEach(s -> {
            s.m.close();
            s.v.close();
            s.steps.close();
        });
        moments.clear();
    }
}
