package dev.peft4j.core.train;

import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.tensor.Backend;
import java.util.List;

/** Changes parameters by their gradients. Owns what it remembers of them, and frees it when closed. */
public interface Optimizer extends AutoCloseable {
    /**
     * Changes all parameters once, at a learning rate.
     *
     * @throws IllegalStateException if it or one of the parameters is closed
     */
    void step(Backend backend, List<Parameter> parameters, double learningRate);

    @Override
    void close();
}
