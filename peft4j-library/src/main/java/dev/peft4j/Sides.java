package dev.peft4j;

import dev.peft4j.core.error.BadInputException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

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

    /** Holds out a share of all, drawn with a seed. */
    Sides<T> split(double share, long seed) {
        if (!(share >= 0 && share < 1)) {
            throw new BadInputException("a share of " + share
                    + " of the records was to be held out; it must be at least 0 and below 1. Give one such as 0.1.");
        }
        List<T> all = new ArrayList<>(train);
        all.addAll(heldOut);
        Collections.shuffle(all, new Random(seed));
        int out = (int) Math.floor(share * all.size() + 1e-9);
        return new Sides<>(all.subList(out, all.size()), all.subList(0, out), true);
    }

    /** Holds out the records of another. */
    Sides<T> heldOut(Sides<T> other) {
        List<T> out = new ArrayList<>(other.train);
        out.addAll(other.heldOut);
        return new Sides<>(train, out, true);
    }
}
