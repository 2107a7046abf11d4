package dev.peft4j.core.model;

/**
 * What a batch cost.
 *
 * @param sum of the cross entropies of all scored tokens or sequences, in nats
 * @param count how many were scored
 */
public record Loss(double sum, int count) {
    /** The mean cross entropy; NaN if nothing was scored. */
    public double mean() {
        return sum / count;
    }

    /** Both batches together. */
    public Loss plus(Loss other) {
        return new Loss(sum + other.sum, count + other.count);
    }
}
