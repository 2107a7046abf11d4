package dev.peft4j.core.weight;

import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.Initial;
import dev.peft4j.core.tensor.Tensor;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.function.BiFunction;
import java.util.random.RandomGenerator;

/**
 * First values of a model that has learnt nothing: matrices N(0, deviation²), vectors 1 if they are weights of norms or variances, and 0 if they are biases or means.
 *
 * @param directory of the config, for messages
 * @param random draws in the order in which tensors are made
 */
record FirstValues(Path directory, DType dtype, double deviation, RandomGenerator random)
        implements BiFunction<String, int[], Tensor> {
    /**
     * The values of a tensor.
     *
     * @throws BadInputException if no tensor is that large
     */
    @Override
    public Tensor apply(String name, int[] shape) {
        double all = Arrays.stream(shape).asDoubleStream().reduce(1, (a, b) -> a * b);
        if (all > Integer.MAX_VALUE) {
            throw new BadInputException("a model of the config of " + directory + " was to be made, in which " + name
                    + " has the shape " + Arrays.toString(shape) + "; a tensor has at most " + Integer.MAX_VALUE
                    + " elements. Make it smaller.");
        }
        int rows = shape.length == 1 ? 1 : shape[0];
        Tensor t = Tensor.allocate(dtype, rows, (int) all / rows);
        if (shape.length > 1) {
            Initial.gaussian(t, deviation, random);
        } else {
            t.fill(name.endsWith(".bias") || name.endsWith(".running_mean") ? 0 : 1);
        }
        return t;
    }
}
