package dev.peft4j.models;

import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.weight.WeightFormat;

/**
 * How a model is opened.
 *
 * @param backend that it computes on
 * @param format in which its matrices are kept
 * @param outputs of a classifier: classes, labels or numbers that it predicts; 0 for as many as the config names, or 2. A head of the checkpoint that has
 *     another number of them is left out, and a new one made.
 * @param seed of layers that the checkpoint does not have
 */
public record LoadOptions(Backend backend, WeightFormat format, int outputs, long seed) {
    /** On the default backend, with matrices as the checkpoint has them. */
    public static LoadOptions defaults() {
        return on(Backend.auto());
    }

    /** The same on a backend. */
    public static LoadOptions on(Backend backend) {
        return new LoadOptions(backend, WeightFormat.stored(), 0, 0);
    }

    /** With matrices in another form. */
    public LoadOptions withFormat(WeightFormat newFormat) {
        return new LoadOptions(backend, newFormat, outputs, seed);
    }

    /** With another number of outputs of a classifier. */
    public LoadOptions withOutputs(int newOutputs) {
        return new LoadOptions(backend, format, newOutputs, seed);
    }

    /** With other first values of new layers. */
    public LoadOptions withSeed(long newSeed) {
        return new LoadOptions(backend, format, outputs, newSeed);
    }
}
