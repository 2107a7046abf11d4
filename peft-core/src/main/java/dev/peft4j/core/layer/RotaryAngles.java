package dev.peft4j.core.layer;

import dev.peft4j.core.error.BadInputException;
import java.util.function.IntFunction;

/**
 * The angles of {@link Rotary} positions: {@code position · inverseFrequency[i]}, and the factor of their cosines and sines. Most models have one set of frequencies;
 * some have others for sequences that are longer than those that they were first trained with.
 *
 * <p>A sequence is rotated by its own length, whatever stands beside it in the batch: it gets what it gets alone.
 */
public final class RotaryAngles {
    private final float[] usual;
    private final double factor;
    private final int longest;
    private final IntFunction<float[]> longer;
    private final boolean jumps;

    private RotaryAngles(float[] usual, double factor, int longest, IntFunction<float[]> longer, boolean jumps) {
        this.usual = usual;
        this.factor = factor;
        this.longest = longest;
        this.longer = longer;
        this.jumps = jumps;
    }

    /**
     * The same frequencies for all sequences.
     *
     * @param inverseFrequencies R/2 angles per position, in single precision as the reference computes them
     */
    public static RotaryAngles of(float[] inverseFrequencies) {
        float[] own = inverseFrequencies.clone();
        return new RotaryAngles(own, 1, Integer.MAX_VALUE, length -> own, false);
    }

    /** The same with cosines and sines that are multiplied, which scales the scores of attention by the square of the factor. */
    public RotaryAngles withFactor(double newFactor) {
        return new RotaryAngles(usual, newFactor, longest, longer, jumps);
    }

    /**
     * Two sets of frequencies: these for sequences of up to so many tokens, others for longer ones. Keys that were made with these are of no use to a sequence
     * that has grown longer.
     *
     * @param most tokens of a sequence that has these
     * @throws BadInputException if there are not as many others as these
     */
    public RotaryAngles jumping(int most, float[] others) {
        if (others.length != usual.length) {
            throw new BadInputException(others.length + " frequencies of long sequences were given beside "
                    + usual.length + " of short ones. Give as many.");
        }
        float[] own = others.clone();
        return new RotaryAngles(usual, factor, most, length -> own, true);
    }

    /**
     * Frequencies that change with every token behind so many. Keys that were made before keep the angles that they have.
     *
     * @param most tokens of a sequence that has these
     * @param others the frequencies of a sequence of so many tokens
     */
    public RotaryAngles growing(int most, IntFunction<float[]> others) {
        return new RotaryAngles(usual, factor, most, others, false);
    }

    /** The frequencies of a sequence of so many tokens, counted from its first position. Not to be changed. */
    public float[] of(int length) {
        return length > longest ? longer.apply(length) : usual;
    }

    /** What cosines and sines are multiplied with. */
    public double factor() {
        return factor;
    }

    /** R/2. */
    public int count() {
        return usual.length;
    }

    /** Most tokens of a sequence that has the usual frequencies; {@link Integer#MAX_VALUE} if all have them. */
    public int longest() {
        return longest;
    }

    /** Most tokens of a sequence of which keys that were made earlier still hold when it grows; {@link Integer#MAX_VALUE} if they always do. */
    public int keysHoldTo() {
        return jumps ? longest : Integer.MAX_VALUE;
    }
}
