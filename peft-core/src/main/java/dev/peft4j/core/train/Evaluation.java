package dev.peft4j.core.train;

/**
 * How well a model does on some records.
 *
 * @param loss mean cross entropy of the scored tokens or sequences, in nats
 * @param count how many were scored
 * @param accuracy share of sequences whose class is right, from 0 to 1; NaN for a language model
 */
public record Evaluation(double loss, int count, double accuracy) {
    /** {@code e^loss}: for a language model, among how many equally probable tokens it would be as unsure. */
    public double perplexity() {
        return Math.exp(loss);
    }

    /** Whether there is an accuracy. */
    public boolean isClassification() {
        return !Double.isNaN(accuracy);
    }
}
