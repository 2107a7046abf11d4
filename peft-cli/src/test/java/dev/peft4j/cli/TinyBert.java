package dev.peft4j.cli;

import dev.peft4j.core.format.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A BERT of a few thousand parameters with a tokenizer of words, for tests of the command line. */
final class TinyBert {
    private static final List<String> WORDS =
            List.of("good", "bad", "fine", "poor", "film", "book", "the", "a", "was", "is", "very", "not");

    private static final Path BERT =
            Path.of(System.getProperty("peft4j.root", ".."), "peft-tests/src/test/resources/golden/models/bert");

    private TinyBert() {}

    /** Writes a model directory; its head has three classes. */
    static Path write(Path directory) throws IOException {
        Files.createDirectories(directory);
        for (String name : List.of("config.json", "model.safetensors")) {
            Files.copy(BERT.resolve(name), directory.resolve(name));
        }
        Map<String, Object> vocabulary = new LinkedHashMap<>();
        for (String token : List.of("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")) {
            vocabulary.put(token, vocabulary.size());
        }
        WORDS.forEach(word -> vocabulary.put(word, vocabulary.size()));
        Map<String, Object> tokenizer = new LinkedHashMap<>();
        tokenizer.put("version", "1.0");
        List<Object> added = new ArrayList<>();
        for (String token : List.of("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")) {
            added.add(Map.of(
                    "id", vocabulary.get(token),
                    "content", token,
                    "single_word", false,
                    "lstrip", false,
                    "rstrip", false,
                    "normalized", false,
                    "special", true));
        }
        tokenizer.put("added_tokens", added);
        tokenizer.put("pre_tokenizer", Map.of("type", "BertPreTokenizer"));
        tokenizer.put(
                "post_processor",
                Map.of("type", "BertProcessing", "sep", List.of("[SEP]", 3), "cls", List.of("[CLS]", 2)));
        tokenizer.put(
                "model",
                Map.of(
                        "type", "WordPiece",
                        "unk_token", "[UNK]",
                        "continuing_subword_prefix", "##",
                        "max_input_chars_per_word", 100,
                        "vocab", vocabulary));
        Files.writeString(directory.resolve("tokenizer.json"), Json.print(tokenizer));
        return directory;
    }

    /** A table of texts and labels: a label decides on the word that is in the text. */
    static Path table(Path file, int count, String... labels) throws IOException {
        StringBuilder text = new StringBuilder("text,label\n");
        for (int i = 0; i < count; i++) {
            int k = i % labels.length;
            text.append("the film was ").append(WORDS.get(k % WORDS.size())).append(i % 3 == 0 ? " very" : "");
            for (int n = i / 3; n > 0; n /= 3) {
                text.append(' ').append(WORDS.get(4 + n % 3));
            }
            text.append(',').append(labels[k]).append('\n');
        }
        return Files.writeString(file, text);
    }
}
