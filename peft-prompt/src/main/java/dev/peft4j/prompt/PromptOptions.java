package dev.peft4j.prompt;

import dev.peft4j.core.adapter.MethodOption;
import dev.peft4j.core.adapter.MethodValues;
import dev.peft4j.core.error.BadInputException;
import org.jspecify.annotations.Nullable;

/** The options that the methods of this package share. */
final class PromptOptions {
    static final MethodOption VIRTUAL_TOKENS =
            MethodOption.whole("--virtual-tokens", "N", 20, "rows in front of a sequence");
    static final String INIT = "--prompt-init";
    static final String RANDOM = "random";
    private static final String TEXT = "text:";

    private PromptOptions() {}

    /** How the rows start: random, a word of the method, or a text. */
    static MethodOption init(String word) {
        return MethodOption.text(INIT, "KIND", RANDOM, RANDOM + ", " + word + ", or " + TEXT + "SOME TEXT");
    }

    /** The text that rows start from, or null if they start otherwise. */
    static @Nullable String text(MethodValues values, MethodOption init) {
        String kind = values.text(init);
        if (kind.startsWith(TEXT) && kind.substring(TEXT.length()).isBlank()) {
            throw new BadInputException(INIT + " " + kind
                    + " was given, and there is no text behind it. Give the text that rows start from.");
        }
        return kind.startsWith(TEXT) ? kind.substring(TEXT.length()) : null;
    }

    /**
     * Whether a word of the method was given; otherwise the rows are random.
     *
     * @throws BadInputException if it is neither
     */
    static boolean isWord(MethodValues values, MethodOption init, String word, String method) {
        String kind = values.text(init);
        if (!kind.equals(word) && !kind.equals(RANDOM)) {
            throw new BadInputException(INIT + " " + kind + " was given with --method " + method + "; there are "
                    + RANDOM + ", " + word + " and " + TEXT + "SOME TEXT. Use one of these.");
        }
        return kind.equals(word);
    }
}
