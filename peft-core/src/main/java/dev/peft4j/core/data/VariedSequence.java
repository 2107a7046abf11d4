package dev.peft4j.core.data;

import dev.peft4j.core.error.BadInputException;
import java.util.function.LongFunction;

/**
 * A sequence in which chance has a part, such as one with hidden tokens: each epoch of training reads another variant of it, and evaluation always the same one.
 *
 * @param fixed the variant that is evaluated
 * @param variants the variant of a number: the same one for the same number, on any thread and at any time; as long as {@code fixed}
 */
public record VariedSequence(PackedBatch.Sequence fixed, LongFunction<PackedBatch.Sequence> variants)
        implements Example {
    @Override
    public int length() {
        return fixed.length();
    }

    @Override
    public Targets targets() {
        return fixed.targets();
    }

    /**
     * The variant of an epoch.
     *
     * @throws BadInputException if it is not as long as the one that is evaluated
     */
    @Override
    public PackedBatch.Sequence inEpoch(long seed) {
        PackedBatch.Sequence variant = variants.apply(seed);
        if (variant.length() != fixed.length()) {
            throw new BadInputException("a variant of " + variant.length() + " tokens was made of a sequence of "
                    + fixed.length() + ". Make variants of the same length.");
        }
        return variant;
    }
}
