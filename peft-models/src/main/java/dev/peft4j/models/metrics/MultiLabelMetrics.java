package dev.peft4j.models.metrics;

import dev.peft4j.core.error.BadInputException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * How well labels were predicted of which a record has none, one or several; equal to scikit-learn, where labels that never occur count as zeros.
 *
 * @param subsetAccuracy share of records all of whose labels are right, from 0 to 1
 * @param micro of the labels of all records counted together
 * @param macro mean over labels
 * @param weighted mean over labels, each by its support
 * @param perLabel by the number of the label
 */
public record MultiLabelMetrics(
        double subsetAccuracy, Scores micro, Scores macro, Scores weighted, List<Scores> perLabel) {
    /** Takes a copy of the list. */
    public MultiLabelMetrics {
        perLabel = List.copyOf(perLabel);
    }

    /**
     * Compares which labels are there.
     *
     * @param expected a row for each record, in it whether each label is there
     * @param predicted the same in the same order
     * @throws BadInputException if there are no records or no labels, or the lengths differ
     */
    public static MultiLabelMetrics of(boolean[][] expected, boolean[][] predicted) {
        Inputs.requirePairs("rows of labels", expected.length, predicted.length);
        int labels = expected[0].length;
        Inputs.requireSome("labels", labels);
        int[] expectedOf = new int[labels];
        int[] predictedOf = new int[labels];
        int[] rightOf = new int[labels];
        int wholly = 0;
        for (int i = 0; i < expected.length; i++) {
            if (expected[i].length != labels || predicted[i].length != labels) {
                throw new BadInputException(labels + " labels were to be compared, as in the first record, and record "
                        + i + " has " + expected[i].length + " expected and " + predicted[i].length
                        + " predicted ones. Give each record all labels.");
            }
            wholly += Arrays.equals(expected[i], predicted[i]) ? 1 : 0;
            for (int l = 0; l < labels; l++) {
                expectedOf[l] += expected[i][l] ? 1 : 0;
                predictedOf[l] += predicted[i][l] ? 1 : 0;
                rightOf[l] += expected[i][l] && predicted[i][l] ? 1 : 0;
            }
        }
        List<Scores> perLabel = new ArrayList<>();
        for (int l = 0; l < labels; l++) {
            perLabel.add(Scores.of(rightOf[l], predictedOf[l], expectedOf[l]));
        }
        Scores micro = Scores.of(sum(rightOf), sum(predictedOf), sum(expectedOf));
        return new MultiLabelMetrics(
                (double) wholly / expected.length, micro, Scores.macro(perLabel), Scores.weighted(perLabel), perLabel);
    }

    private static long sum(int[] counts) {
        return Arrays.stream(counts).asLongStream().sum();
    }
}
