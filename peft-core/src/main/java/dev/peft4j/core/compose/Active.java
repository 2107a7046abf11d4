package dev.peft4j.core.compose;

import dev.peft4j.core.error.BadInputException;
import java.util.Arrays;
import java.util.List;

/**
 * Which adapters of a {@link PeftModel} are active in a call: an argument, so that threads share one model.
 *
 * @param sets names of the adapters, in the order in which they act: one set for all sequences, or one for each sequence of the batch
 * @param perSequence whether there is a set for each sequence
 */
public record Active(List<List<String>> sets, boolean perSequence) {
    /** The name that stands for no adapter in {@link #perSequence}. */
    public static final String BASE = "__base__";

    /** Copies the names. */
    public Active {
        sets = sets.stream().map(List::copyOf).toList();
        if (!perSequence && sets.size() != 1) {
            throw new BadInputException(sets.size()
                    + " sets of adapters were given for all sequences; give one, or one for each sequence.");
        }
    }

    /** The base alone. */
    public static Active none() {
        return of();
    }

    /** These adapters for all sequences, in this order. */
    public static Active of(String... names) {
        return new Active(List.of(Arrays.asList(names)), false);
    }

    /** One adapter for each sequence; {@link #BASE} for none. */
    public static Active perSequence(String... names) {
        return new Active(
                Arrays.stream(names)
                        .map(n -> n.equals(BASE) ? List.<String>of() : List.of(n))
                        .toList(),
                true);
    }

    /** Several adapters for each sequence. */
    public static Active perSequence(List<List<String>> names) {
        return new Active(names, true);
    }
}
