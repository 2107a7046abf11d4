package dev.peft4j.models.metrics;

import java.util.List;
import java.util.function.ToDoubleFunction;

/**
 * How well one class, label or type of entity was found, or a mean of several. What would be divided by zero is 0, as in scikit-learn.
 *
 * @param precision share of what was predicted that is right, from 0 to 1
 * @param recall share of what was expected that was predicted, from 0 to 1
 * @param f1 harmonic mean of precision and recall, from 0 to 1; of a mean: the mean of the harmonic means
 * @param support how many were expected
 */
public record Scores(double precision, double recall, double f1, long support) {
    /**
     * Of counts.
     *
     * @param right both expected and predicted
     */
    static Scores of(long right, long predicted, long expected) {
        return new Scores(
                share(right, predicted), share(right, expected), share(2 * right, predicted + expected), expected);
    }

    private static double share(long part, long whole) {
        return whole == 0 ? 0 : (double) part / whole;
    }

    /** Each class counts the same; of none, zeros. */
    static Scores macro(List<Scores> all) {
        return mean(all, s -> 1);
    }

    /** Each class counts by what was expected of it. */
    static Scores weighted(List<Scores> all) {
        return mean(all, Scores::support);
    }

    private static Scores mean(List<Scores> all, ToDoubleFunction<Scores> weight) {
        double precision = 0;
        double recall = 0;
        double f1 = 0;
        double weights = 0;
        long support = 0;
        for (Scores s : all) {
            double w = weight.applyAsDouble(s);
            precision += w * s.precision;
            recall += w * s.recall;
            f1 += w * s.f1;
            weights += w;
            support += s.support;
        }
        double divisor = weights == 0 ? 1 : weights; // the sums are 0, too
        return new Scores(precision / divisor, recall / divisor, f1 / divisor, support);
    }
}
