package dev.peft4j;

import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.error.WrongUseException;
import dev.peft4j.models.GenerationConfig;
import java.util.function.Consumer;
import java.util.function.Predicate;

/** Continues texts, by a base alone or with adapters. Any number of threads may use one. */
public interface TextGeneration {
    /**
     * Continues a text until the model ends it, it is as long as was asked for, or the listener has enough.
     *
     * @param prompt the text to continue
     * @param config how
     * @param onText is told each new piece, of whole characters, and returns whether to go on
     * @return the pieces that were told, together, without the prompt
     * @throws BadInputException if the model is no language model, or the prompt leaves no room in its context
     * @throws WrongUseException if the model or adapter is closed
     * @throws dev.peft4j.core.error.StoppedException if the thread is interrupted; the pieces so far have been told
     */
    String generateWhile(String prompt, GenerationConfig config, Predicate<String> onText);

    /** The same to the end: {@code GenerationConfig.sampled(200, 0.8, seed).withTop(0, 0.9)}. */
    default String generate(String prompt, GenerationConfig config, Consumer<String> onText) {
        return generateWhile(prompt, config, piece -> {
            onText.accept(piece);
            return true;
        });
    }

    /** The same without being told meanwhile. */
    default String generate(String prompt, GenerationConfig config) {
        return generateWhile(prompt, config, piece -> true);
    }

    /** Continues a text by always the most probable token, at most 100 of them. */
    default String generate(String prompt, Consumer<String> onText) {
        return generate(prompt, GenerationConfig.greedy(100), onText);
    }

    /** The same without being told meanwhile. */
    default String generate(String prompt) {
        return generate(prompt, GenerationConfig.greedy(100));
    }
}
