package dev.peft4j.cli;

import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.train.Strategy;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Whether training begins with random weights. */
final class FromScratchOption {
    private static final String NAME = "--from-scratch";

    @Option(
            names = NAME,
            description =
                    "begin with random weights, for which --model needs no more than a config.json; with --method full, or a"
                            + " --strategy that trains all in the end")
    boolean asked;

    /** Refuses what does not go together, before anything is read. */
    void check(Given given, boolean full, @Nullable Strategy strategy) {
        given.refuse(
                NAME,
                !full || (strategy != null && !strategy.endsWithAll()),
                "what leaves some of the weights as they are, which would stay random");
        given.refuse("--dtype", asked, NAME + ", whose weights are made in f32");
    }

    /** Running statistics of random weights are of nothing that was seen. */
    void requireStatistics(Model model, @Nullable Strategy strategy) {
        if (asked && !model.statistics().isEmpty() && (strategy == null || !strategy.movesStatistics())) {
            throw new BadInputException(
                    NAME + " was given with batch norms whose statistics would stay as they are, and"
                            + " this model has " + model.statistics().size()
                            + " that no image was ever seen for. Add --strategy"
                            + " full,statistics=batch.");
        }
    }
}
