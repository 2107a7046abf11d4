package dev.peft4j.models;

import dev.peft4j.core.error.BadFileException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/** The tokens that end a text, by the files of a model directory. */
final class EndTokens {
    private static final String NAME = "eos_token_id";

    private EndTokens() {}

    /**
     * Where generation stops: at the end tokens of the model and at that of its tokenizer. Ids that are not in the vocabulary, such as -1 for none, are
     * never made.
     *
     * @throws BadFileException if a file holds something else than ids
     */
    static Set<Integer> of(Path directory, int vocabularySize) throws IOException {
        Set<Integer> ids = new LinkedHashSet<>(ofModel(directory, vocabularySize));
        int tokenizer = ofTokenizer(directory);
        if (tokenizer >= 0 && tokenizer < vocabularySize) {
            ids.add(tokenizer);
        }
        return Collections.unmodifiableSet(ids);
    }

    /** The ids of {@code generation_config.json}; if it has none, those of {@code config.json}. */
    static Set<Integer> ofModel(Path directory, int vocabularySize) throws IOException {
        JsonPart generation = JsonPart.readIfPresent(directory.resolve("generation_config.json"));
        if (generation != null && generation.has(NAME)) {
            return ids(generation, vocabularySize);
        }
        JsonPart config = JsonPart.readIfPresent(directory.resolve("config.json"));
        return config != null && config.has(NAME) ? ids(config, vocabularySize) : Set.of();
    }

    private static Set<Integer> ids(JsonPart file, int vocabularySize) throws BadFileException {
        Object value = file.fields().get(NAME);
        Set<Integer> ids = new LinkedHashSet<>();
        for (Object id : value instanceof List<?> l ? l : List.of(value)) {
            if (!(id instanceof Integer i)) {
                throw file.bad(NAME + " is " + JsonPart.shown(value) + ", where one or more ids from 0 to "
                        + (vocabularySize - 1) + " were expected (vocab_size). Correct the field.");
            }
            if (i >= 0 && i < vocabularySize) {
                ids.add(i);
            }
        }
        return ids;
    }

    /** That of the tokenizer, or -1. It need not be there, and one that is damaged is an error of whoever opens it. */
    private static int ofTokenizer(Path directory) {
        try {
            Path file = directory.resolve("tokenizer.json");
            if (!Files.isRegularFile(file)) {
                return -1;
            }
            JsonPart config = JsonPart.readIfPresent(directory.resolve("config.json"));
            JsonPart settings = JsonPart.readIfPresent(directory.resolve("tokenizer_config.json"));
            SpecialTokens special = SpecialTokens.read(directory, settings, null);
            JsonPart none = new JsonPart(file, "", Map.of());
            new TokenizerRecipe(
                            TokenizerClass.of(directory, config, settings),
                            none,
                            Objects.requireNonNullElse(settings, none))
                    .name(special);
            AddedToken end = special.named("eos_token");
            return end == null ? -1 : TokenScan.id(file, end.content());
        } catch (IOException e) {
            return -1;
        }
    }
}
