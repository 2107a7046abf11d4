package dev.peft4j.models.metrics;

import dev.peft4j.core.error.BadInputException;
import java.util.Arrays;

/**
 * How well numbers were predicted; equal to SciPy and scikit-learn.
 *
 * @param pearson linear correlation, from -1 to 1; NaN where either side is constant, which a single number is too
 * @param spearman correlation of the ranks, from -1 to 1, equal numbers having the mean of their ranks; NaN as above
 * @param rmse root of the mean squared difference, in the unit of the numbers
 * @param mae mean absolute difference, in the unit of the numbers
 */
public record RegressionMetrics(double pearson, double spearman, double rmse, double mae) {
    /**
     * Compares numbers.
     *
     * @param expected number of each record
     * @param predicted number of each record, in the same order
     * @throws BadInputException if there are no records, the lengths differ or a number is infinite or NaN
     */
    public static RegressionMetrics of(double[] expected, double[] predicted) {
        Inputs.requirePairs("numbers", expected.length, predicted.length);
        requireFinite("expected", expected);
        requireFinite("predicted", predicted);
        double[] differences = new double[expected.length];
        double absolute = 0;
        for (int i = 0; i < differences.length; i++) {
            differences[i] = predicted[i] - expected[i];
            absolute += Math.abs(differences[i]);
        }
        return new RegressionMetrics(
                correlation(expected, predicted),
                correlation(ranks(expected), ranks(predicted)),
                norm(differences) / Math.sqrt(differences.length),
                absolute / differences.length);
    }

    private static void requireFinite(String side, double[] values) {
        for (int i = 0; i < values.length; i++) {
            if (!Double.isFinite(values[i])) {
                throw new BadInputException("numbers were to be compared, and the " + side + " one of record " + i
                        + " is " + values[i] + ". Leave the record out, or see why the model predicts it.");
            }
        }
    }

    /** {@code Σ (x - x̄)(y - ȳ) / (|x - x̄| |y - ȳ|)}. */
    private static double correlation(double[] x, double[] y) {
        if (isConstant(x) || isConstant(y)) {
            return Double.NaN;
        }
        double[] dx = centred(x);
        double[] dy = centred(y);
        double nx = norm(dx);
        double ny = norm(dy);
        double sum = 0;
        for (int i = 0; i < dx.length; i++) {
            sum += dx[i] / nx * (dy[i] / ny);
        }
        return Math.max(-1, Math.min(1, sum));
    }

    private static boolean isConstant(double[] values) {
        return Arrays.stream(values).allMatch(v -> v == values[0]);
    }

    private static double[] centred(double[] values) {
        double mean = Arrays.stream(values).sum() / values.length;
        return Arrays.stream(values).map(v -> v - mean).toArray();
    }

    /** Length of a vector, of which no square overflows. */
    private static double norm(double[] values) {
        double largest = 0;
        for (double v : values) {
            largest = Math.max(largest, Math.abs(v));
        }
        if (largest == 0) {
            return 0;
        }
        double sum = 0;
        for (double v : values) {
            sum += v / largest * (v / largest);
        }
        return largest * Math.sqrt(sum);
    }

    /** From 1 for the smallest; equal numbers have the mean of their ranks. */
    private static double[] ranks(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        double[] ranks = new double[values.length];
        for (int i = 0; i < ranks.length; i++) {
            int below = countBelow(sorted, values[i]);
            int upTo = countBelow(sorted, Math.nextUp(values[i]));
            ranks[i] = (below + upTo + 1) / 2.0;
        }
        return ranks;
    }

    private static int countBelow(double[] sorted, double value) {
        int low = 0;
        int high = sorted.length;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (sorted[middle] < value) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }
}
