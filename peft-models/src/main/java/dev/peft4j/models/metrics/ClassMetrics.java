package dev.peft4j.models.metrics;

import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.error.WrongUseException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * How well one class of several was predicted; equal to scikit-learn with {@code labels=range(classes)}, so classes that never occur count as zeros.
 *
 * @param accuracy share of records whose class is right, from 0 to 1
 * @param matthews correlation of Matthews for any number of classes, from -1 to 1: {@code (c·n - Σ tₖ·pₖ) / √((n² - Σ pₖ²)(n² - Σ tₖ²))} of n records, c
 *     of them right, tₖ expected and pₖ predicted of class k; 0 where either side has one class only. Gorodkin 2004, <a
 *     href="https://doi.org/10.1016/j.compbiolchem.2004.09.006">paper</a>, equation 8
 * @param macro mean over classes
 * @param weighted mean over classes, each by its support
 * @param perClass by the number of the class
 * @param cells of the confusion matrix that are not 0, row by row
 */
public record ClassMetrics(
        double accuracy, double matthews, Scores macro, Scores weighted, List<Scores> perClass, List<Cell> cells) {
    private static final int MOST_CLASSES = 4096; // of a matrix: 64 MiB

    /**
     * How often a class was predicted where another, or the same, was expected.
     *
     * @param expected number of the class
     * @param predicted number of the class
     * @param count of records, at least 1
     */
    public record Cell(int expected, int predicted, int count) {}

    /** Takes copies of the lists. */
    public ClassMetrics {
        perClass = List.copyOf(perClass);
        cells = List.copyOf(cells);
    }

    /**
     * Compares classes, which are numbered from 0.
     *
     * @param expected class of each record
     * @param predicted class of each record, in the same order
     * @param classes how many there are
     * @throws BadInputException if there are no records, the lengths differ or a class is not one of these
     */
    public static ClassMetrics of(int[] expected, int[] predicted, int classes) {
        Inputs.requirePairs("classes", expected.length, predicted.length);
        int[] expectedOf = count("expected", expected, classes);
        int[] predictedOf = count("predicted", predicted, classes);
        int[] rightOf = new int[classes];
        long[] keys = new long[expected.length];
        for (int i = 0; i < keys.length; i++) {
            keys[i] = (long) expected[i] * classes + predicted[i];
            if (expected[i] == predicted[i]) {
                rightOf[expected[i]]++;
            }
        }
        List<Scores> perClass = new ArrayList<>();
        for (int c = 0; c < classes; c++) {
            perClass.add(Scores.of(rightOf[c], predictedOf[c], expectedOf[c]));
        }
        int right = Arrays.stream(rightOf).sum();
        return new ClassMetrics(
                (double) right / expected.length,
                matthews(right, expectedOf, predictedOf, expected.length),
                Scores.macro(perClass),
                Scores.weighted(perClass),
                perClass,
                cells(keys, classes));
    }

    private static int[] count(String side, int[] values, int classes) {
        int[] counts = new int[Math.max(0, classes)];
        for (int i = 0; i < values.length; i++) {
            if (values[i] < 0 || values[i] >= classes) {
                throw new BadInputException(classes + " classes were to be compared, numbered from 0, and the " + side
                        + " class of record " + i + " is " + values[i] + ". Correct it, or the number of classes.");
            }
            counts[values[i]]++;
        }
        return counts;
    }

    private static double matthews(long right, int[] expectedOf, int[] predictedOf, long n) {
        long together = right * n; // all of these are at most n², which a long holds
        long expected = n * n;
        long predicted = n * n;
        for (int c = 0; c < expectedOf.length; c++) {
            together -= (long) expectedOf[c] * predictedOf[c];
            expected -= (long) expectedOf[c] * expectedOf[c];
            predicted -= (long) predictedOf[c] * predictedOf[c];
        }
        return expected == 0 || predicted == 0
                ? 0
                : together / (Math.sqrt((double) expected) * Math.sqrt((double) predicted));
    }

    private static List<Cell> cells(long[] keys, int classes) {
        Arrays.sort(keys);
        List<Cell> cells = new ArrayList<>();
        int from = 0;
        for (int i = 1; i <= keys.length; i++) {
            if (i == keys.length || keys[i] != keys[from]) {
                cells.add(new Cell((int) (keys[from] / classes), (int) (keys[from] % classes), i - from));
                from = i;
            }
        }
        return cells;
    }

    /** Mean F1 of the classes. */
    public double macroF1() {
        return macro.f1();
    }

    /** Mean F1 of the classes, each by its support. */
    public double weightedF1() {
        return weighted.f1();
    }

    /**
     * The confusion matrix: how many records of the class of the row were predicted to be of the class of the column.
     *
     * @throws WrongUseException if there are more than 4096 classes; {@link #cells()} has them all
     */
    public int[][] confusion() {
        int classes = perClass.size();
        if (classes > MOST_CLASSES) {
            throw new WrongUseException("a confusion matrix was asked for, which is made of at most " + MOST_CLASSES
                    + " classes, and there are " + classes + ". Use the cells that are not 0.");
        }
        int[][] matrix = new int[classes][classes];
        cells.forEach(c -> matrix[c.expected][c.predicted] = c.count);
        return matrix;
    }
}
