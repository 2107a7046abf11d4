package dev.peft4j.models;

import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.Initial;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.core.weight.Weights;
import java.util.SplittableRandom;

/**
 * First values of layers that a checkpoint does not have: N(0, deviation²), the same for a seed.
 *
 * @param deviation {@code initializer_range} of the config
 * @param seed of the values
 * @param config for messages
 */
record Fresh(double deviation, long seed, ModelConfig config) {
    private static final long FEW = 1 << 20;

    /**
     * Refuses a layer that is larger than the checkpoint: its size would be a number that no tensor stands behind.
     *
     * @throws BadFileException if it is
     */
    void requireAllowed(Weights weights, String name, int rows, int cols) throws BadFileException {
        long most = Math.max(FEW, weights.inCheckpoint());
        if ((long) rows * cols > most) {
            throw config.bad("asks for a new layer " + name + " of " + rows + " x " + cols
                    + ", which has more elements than the whole checkpoint (" + weights.inCheckpoint()
                    + "). Correct the number of labels, the vocabulary or the layers of the head.");
        }
    }

    Tensor matrix(DType dtype, int rows, int cols) {
        Tensor t = Tensor.allocate(dtype, rows, cols);
        Initial.gaussian(t, deviation, new SplittableRandom(seed));
        return t;
    }

    /** Values of another layer of the same model. */
    Fresh other() {
        return new Fresh(deviation, seed + 1, config);
    }
}
