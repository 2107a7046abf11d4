package dev.peft4j.core.model;

import dev.peft4j.core.data.ProblemType;

/**
 * What a batch cost.
 *
 * @param sum of the losses of all scored tokens or sequences: cross entropies, in nats, or what the {@link ProblemType} asks for
 * @param count how many were scored
 */
public record Loss(double sum, int count) {
    /** The mean loss; NaN if nothing was scored. */
    public double mean() {
        return sum / count;
    }

    /** Both batches together. */
    public Loss plus(Loss other) {
        return new Loss(sum + other.sum, count + other.count);
    }
}
