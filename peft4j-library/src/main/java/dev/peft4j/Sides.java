package dev.peft4j;

import dev.peft4j.core.error.BadInputException;
import dev.peft4j.models.data.Split;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/**
 * Records to train on, and those that are held out.
 *
 * @param isSplit whether it was said what is held out
 */
record Sides<T>(List<T> train, List<T> heldOut, boolean isSplit) {
    Sides {
        train = List.copyOf(train);
        heldOut = List.copyOf(heldOut);
        if (train.isEmpty()) {
            throw new BadInputException("records to train on were expected, and there are none"
                    + (heldOut.isEmpty() ? "" : " beside the " + heldOut.size() + " that are held out")
                    + ". Give at least one.");
        }
    }

    static <T> Sides<T> of(List<T> records) {
        return new Sides<>(records, List.of(), false);
    }

    List<T> side(boolean ofHeldOut) {
        return ofHeldOut ? heldOut : train;
    }

    /** Holds out a share of all, drawn with a seed; those of one prompt stay together. */
    Sides<T> split(Function<? super T, ?> prompt, double share, long seed) {
        List<T> all = new ArrayList<>(train);
        all.addAll(heldOut);
        Split.Parts<T> parts = Split.parts(all, prompt, share, seed);
        return new Sides<>(parts.train(), parts.heldOut(), true);
    }

    /** Holds out the records of another. */
    Sides<T> heldOut(Sides<T> other) {
        List<T> out = new ArrayList<>(other.train);
        out.addAll(other.heldOut);
        return new Sides<>(train, out, true);
    }
}
