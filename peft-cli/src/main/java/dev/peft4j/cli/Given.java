package dev.peft4j.cli;

import dev.peft4j.core.error.BadInputException;
import picocli.CommandLine.Model.CommandSpec;

/**
 * Which options a user has given: one that would have no effect is refused, since it was meant to have one.
 *
 * @param spec of the command that runs
 */
record Given(CommandSpec spec) {
    /** Whether an option was on the command line. */
    boolean has(String option) {
        return spec.commandLine().getParseResult().hasMatchedOption(option);
    }

    /** The value of an option that is a text. */
    String text(String option) {
        return spec.commandLine().getParseResult().matchedOptionValue(option, "");
    }

    /**
     * Refuses an option that was given where it has no effect.
     *
     * @param why what there is instead, as a relative clause: {@code --method loha, which has no dropout}
     */
    void refuse(String option, boolean hasNoEffect, String why) {
        if (hasNoEffect && has(option)) {
            throw new BadInputException(
                    option + " was given with " + why + ". Leave it out, or change the other option.");
        }
    }
}
