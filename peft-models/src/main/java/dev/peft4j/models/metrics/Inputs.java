package dev.peft4j.models.metrics;

import dev.peft4j.core.error.BadInputException;
import java.util.List;

/** What all metrics ask of what they compare. */
final class Inputs {
    private Inputs() {}

    /**
     * Each prediction has something to be compared with, and there is one.
     *
     * @param what is compared, in the plural
     */
    static void requirePairs(String what, int expected, int predicted) {
        if (expected != predicted) {
            throw new BadInputException("predictions were to be compared with what was expected, and there are "
                    + predicted + " predicted and " + expected + " expected " + what
                    + ". Give one of each for every record.");
        }
        requireSome(what, expected);
    }

    static void requireSome(String what, int count) {
        if (count == 0) {
            throw new BadInputException(
                    "predictions were to be measured, and there are no " + what + ". Give at least one.");
        }
    }

    /** Each prediction has a text to be compared with, or several. */
    static void requireReferences(List<String> predicted, List<List<String>> references) {
        requirePairs("texts", references.size(), predicted.size());
        for (int i = 0; i < references.size(); i++) {
            if (references.get(i).isEmpty()) {
                throw new BadInputException("prediction " + i + " was to be compared with texts, and there are none."
                        + " Give at least one for each, or leave the prediction out.");
            }
        }
    }
}
