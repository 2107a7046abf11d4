package dev.peft4j.core.train;

import dev.peft4j.core.data.Measure;
import java.util.Locale;

/**
 * How well a model does on some records.
 *
 * @param loss mean loss of the scored tokens or sequences: cross entropy, in nats, or what the problem asks for
 * @param count how many were scored
 * @param measure what is told beside the loss
 * @param accuracy share of sequences whose class is right, or of labels that are rightly there or not, from 0 to 1; NaN for other measures
 */
public record Evaluation(double loss, int count, Measure measure, double accuracy) {
    /** {@code e^loss}: for a language model, among how many equally probable tokens it would be as unsure. */
    public double perplexity() {
        return Math.exp(loss);
    }

    /** The measure as a number. */
    public double measured() {
        return switch (measure) {
            case PERPLEXITY -> perplexity();
            case ACCURACY -> accuracy;
            case ROOT_MEAN_SQUARED_ERROR -> Math.sqrt(loss);
        };
    }

    /** The measure for a table: accuracy in percent. */
    public String measuredText() {
        return measure == Measure.ACCURACY ? String.format(Locale.ROOT, "%.2f %%", 100 * accuracy) : text(measured());
    }

    /** A number for a table, in at most nine characters: what is large is rounded to six digits, what is very large to three. */
    public static String text(double value) {
        double size = Math.abs(value);
        return String.format(Locale.ROOT, size < 1e4 ? "%.4f" : size < 1e6 ? "%.6g" : "%.2e", value);
    }

    /** How many were scored, and what they are where that is tokens: {@code 1,234 tokens scored}. */
    public String countText() {
        return String.format(Locale.ROOT, measure == Measure.PERPLEXITY ? "%,d tokens scored" : "%,d scored", count);
    }

    /** The measure in words. */
    public String measureName() {
        return switch (measure) {
            case PERPLEXITY -> "perplexity";
            case ACCURACY -> "accuracy";
            case ROOT_MEAN_SQUARED_ERROR -> "root mean squared error";
        };
    }

    /** Whether a smaller measure is better. */
    public boolean lowerIsBetter() {
        return measure != Measure.ACCURACY;
    }
}
