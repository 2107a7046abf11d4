package dev.peft4j.models.metrics;

import dev.peft4j.core.error.BadInputException;
import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/** Which predictions to look at: the worst first, of equal ones the first first. What is NaN is worst. */
public final class WorstFirst {
    /** How many predictions a report shows. */
    public static final int SAMPLES = 10;

    private WorstFirst() {}

    /**
     * The records of the largest losses.
     *
     * @param losses of all records
     * @param most how many records to pick, such as {@link #SAMPLES}; fewer if there are fewer
     * @return numbers of records, from 0
     * @throws BadInputException if there are no records, or none are to be picked
     */
    public static int[] byLoss(double[] losses, int most) {
        Inputs.requireSome("losses", losses.length);
        if (most < 1) {
            throw new BadInputException(most + " of " + losses.length
                    + " predictions were asked for, worst first; that takes at least 1. Give one such as " + SAMPLES
                    + ".");
        }
        Comparator<Integer> ascending = Comparator.comparingDouble(i -> losses[i] + 0.0); // -0 is 0, NaN the largest
        return IntStream.range(0, losses.length)
                .boxed()
                .sorted(ascending.reversed())
                .limit(most)
                .mapToInt(i -> i)
                .toArray();
    }

    /**
     * The records of the smallest confidence, such as the probability that a model gave to what was expected.
     *
     * @param confidence of all records
     * @param most how many records to pick, such as {@link #SAMPLES}; fewer if there are fewer
     * @return numbers of records, from 0
     * @throws BadInputException if there are no records, or none are to be picked
     */
    public static int[] byConfidence(double[] confidence, int most) {
        return byLoss(Arrays.stream(confidence).map(c -> -c).toArray(), most);
    }
}
