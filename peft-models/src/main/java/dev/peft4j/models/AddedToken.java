package dev.peft4j.models;

import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.error.BadInputException;
import org.jspecify.annotations.Nullable;

/**
 * A token that is found in a text before the model of the tokenizer sees it.
 *
 * @param content its text
 * @param singleWord only where it is a word of its own
 * @param lstrip with the white space in front of it
 * @param rstrip with the white space behind it
 * @param normalized whether it is looked for in the normalised text; null for: unless it is special
 * @param special left out of decoded texts
 */
record AddedToken(
        String content,
        boolean singleWord,
        boolean lstrip,
        boolean rstrip,
        @Nullable Boolean normalized,
        boolean special) {
    private static final int LONGEST = 1024;

    AddedToken {
        if (content.length() > LONGEST || !JsonPart.isWhole(content)) {
            throw new BadInputException("the text of a token has " + content.length() + " characters, or half of a"
                    + " surrogate pair; at most " + LONGEST + " whole ones were expected");
        }
    }

    /** A special token of which only the text is known. */
    static AddedToken special(String content) {
        return new AddedToken(content, false, false, false, null, true);
    }

    /** The object that {@code tokenizer.json} and others write for a token; what is missing is false. */
    static AddedToken of(JsonPart part) throws BadFileException {
        try {
            return new AddedToken(
                    part.text("content"),
                    part.flag("single_word", false),
                    part.flag("lstrip", false),
                    part.flag("rstrip", false),
                    part.has("normalized") ? part.flag("normalized") : null,
                    part.flag("special", false));
        } catch (IllegalArgumentException e) {
            throw part.bad(e.getMessage() + ". Save the tokenizer again.");
        }
    }

    AddedToken asSpecial() {
        return new AddedToken(content, singleWord, lstrip, rstrip, normalized, true);
    }

    boolean isNormalized() {
        return normalized != null ? normalized : !special;
    }

    /** With nothing left open. */
    AddedToken settled() {
        return new AddedToken(content, singleWord, lstrip, rstrip, isNormalized(), special);
    }
}
