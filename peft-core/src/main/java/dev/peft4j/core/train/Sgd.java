package dev.peft4j.core.train;

import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.error.WrongUseException;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Kernels;
import dev.peft4j.core.tensor.Tensor;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/**
 * Stochastic gradient descent, with momentum if asked for: {@code v = momentum · v + g}, {@code p = p - rate · v}, where g holds the
 * gradient and {@code weightDecay · p}; with Nesterov's momentum {@code p = p - rate · (g + momentum · v)}. As in PyTorch.
 */
public final class Sgd implements Optimizer {
    private final double momentum;
    private final boolean nesterov;
    private final double weightDecay;
    private final Predicate<Parameter> decayed;
    private final Map<Parameter, Tensor> velocities = new HashMap<>();
    private boolean closed;

    /** Momentum and decay, 0 for none; every parameter is decayed. */
    public Sgd(double momentum, double weightDecay) {
        this(momentum, false, weightDecay, p -> true);
    }

    /** Momentum, Nesterov's or not, and decay, and which parameters are decayed: usually not norms and biases. */
    public Sgd(double momentum, boolean nesterov, double weightDecay, Predicate<Parameter> decayed) {
        requireMomentum(momentum, nesterov);
        WeightDecay.require(weightDecay);
        this.momentum = momentum;
        this.nesterov = nesterov;
        this.weightDecay = weightDecay;
        this.decayed = decayed;
    }

    static void requireMomentum(double momentum, boolean nesterov) {
        if (!(momentum >= 0 && momentum < 1)) {
            throw new BadInputException(
                    "SGD with the momentum " + momentum + " was asked for; momentum is from 0 to below 1. Change it.");
        }
        if (nesterov && momentum == 0) {
            throw new BadInputException("Nesterov's momentum was asked for with the momentum 0, which looks nowhere"
                    + " ahead. Give one above 0, such as 0.9.");
        }
    }

    @Override
    public synchronized void step(Backend backend, List<Parameter> parameters, double learningRate) {
        requireOpen();
        Kernels k = backend.kernels();
        for (Parameter p : parameters) {
            Tensor value = p.value();
            Tensor grad = p.grad(); // stays as it is: an adapter may read it after the step
            boolean decays = weightDecay > 0 && decayed.test(p);
            if (momentum > 0) {
                Tensor velocity = velocity(p);
                k.scale(momentum, velocity);
                if (decays) {
                    k.addScaled(weightDecay, value, velocity);
                }
                k.addScaled(1, grad, velocity);
                if (nesterov) {
                    if (decays) {
                        k.scale(1 - learningRate * weightDecay, value);
                    }
                    k.addScaled(-learningRate, grad, value);
                }
                k.addScaled(nesterov ? -learningRate * momentum : -learningRate, velocity, value);
            } else {
                if (decays) {
                    k.scale(1 - learningRate * weightDecay, value);
                }
                k.addScaled(-learningRate, grad, value);
            }
        }
    }

    private void requireOpen() {
        if (closed) {
            throw new WrongUseException("an optimizer was used after it was closed. Make a new one.");
        }
    }

    private synchronized Tensor velocity(Parameter p) {
        requireOpen();
        Tensor value = p.value();
        return velocities.computeIfAbsent(p, key -> Tensor.zeros(value.dtype(), value.rows(), value.cols()));
    }

    @Override
    public Map<String, Tensor> state(Parameter parameter) {
        return momentum > 0 ? Map.of("momentum_buffer", velocity(parameter)) : Map.of();
    }

    @Override
    public void setSteps(int steps) {
        // the rule is the same in each step
    }

    @Override
    public synchronized void close() {
        closed = true;
        velocities.values().forEach(Tensor::close);
        velocities.clear();
    }
}
