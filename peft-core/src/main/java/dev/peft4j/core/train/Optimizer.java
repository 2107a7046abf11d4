package dev.peft4j.core.train;

import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.error.WrongUseException;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Tensor;
import java.util.List;
import java.util.Map;

/** Changes parameters by their gradients. Owns what it remembers of them, and frees it when closed. */
public interface Optimizer extends AutoCloseable {
    /**
     * Changes parameters once, at a learning rate. A step of a run has one call for each group of parameters that have a rate of their own, and none for those that
     * rest.
     *
     * @throws WrongUseException if it or one of the parameters is closed
     */
    void step(Backend backend, List<Parameter> parameters, double learningRate);

    /**
     * What it remembers of a parameter, by names of its own; zeros at the start. A run that goes on has it from a file.
     *
     * @throws WrongUseException if it is closed
     */
    Map<String, Tensor> state(Parameter parameter);

    /** Goes on as if so many steps had been made. */
    void setSteps(int steps);

    @Override
    void close();
}
