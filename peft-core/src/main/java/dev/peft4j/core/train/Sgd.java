package dev.peft4j.core.train;

import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Kernels;
import dev.peft4j.core.tensor.Tensor;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Stochastic gradient descent, with momentum if asked for: {@code v = momentum · v + g}, {@code p = p - rate · v}, where g holds the
 * gradient and {@code weightDecay · p}, as in PyTorch.
 */
public final class Sgd implements Optimizer {
    private final double momentum;
    private final double weightDecay;
    private final Map<Parameter, Tensor> velocities = new HashMap<>();
    private boolean closed;

    /** Momentum and decay, 0 for none. */
    public Sgd(double momentum, double weightDecay) {
        if (!(momentum >= 0 && momentum < 1 && weightDecay >= 0)) {
            throw new IllegalArgumentException("SGD with momentum " + momentum + " and weight decay " + weightDecay
                    + " was asked for; momentum is from 0 to below 1, decay at least 0.");
        }
        this.momentum = momentum;
        this.weightDecay = weightDecay;
    }

    @Override
    public synchronized void step(Backend backend, List<Parameter> parameters, double learningRate) {
        if (closed) {
            throw new IllegalStateException("an optimizer was used after it was closed. Make a new one.");
        }
        Kernels k = backend.kernels();
        for (Parameter p : parameters) {
            Tensor value = p.value();
            Tensor change = p.grad();
            if (weightDecay > 0) {
                k.addScaled(weightDecay, value, change);
            }
            if (momentum > 0) {
                Tensor velocity =
                        velocities.computeIfAbsent(p, key -> Tensor.zeros(value.dtype(), value.rows(), value.cols()));
                k.scale(momentum, velocity);
                k.addScaled(1, change, velocity);
                change = velocity;
            }
            k.addScaled(-learningRate, change, value);
        }
    }

    @Override
    public synchronized void close() {
        closed = true;
        velocities.values().forEach(Tensor::close);
        velocities.clear();
    }
}
