package dev.peft4j.models.jinja;

import dev.peft4j.core.error.BadInputException;

/** Errors in the source of a template. */
final class SourceText {
    private SourceText() {}

    static BadInputException bad(int line, String problem) {
        return new BadInputException("a chat template was to be read, and in line " + line + " of it " + problem
                + ". Correct the template, or take it from the model again.");
    }
}
