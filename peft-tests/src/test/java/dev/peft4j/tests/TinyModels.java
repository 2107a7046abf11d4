package dev.peft4j.tests;

import dev.peft4j.core.format.Json;
import dev.peft4j.models.data.TextRecord;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** Model directories with tokenizers: the Llama of the demo, and a BERT whose tokenizer knows a few words. */
final class TinyModels {
    private static final List<String> SPECIAL = List.of("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]");
    private static final List<String> WORDS =
            List.of("good", "bad", "fine", "poor", "film", "book", "the", "a", "was", "is", "very", "not");
    private static final String[] ANIMALS = {"fox", "owl", "bear", "hare", "otter", "mouse", "frog", "goat"};
    private static final String[] MOODS = {"happy", "tired", "proud", "curious", "afraid"};

    private TinyModels() {}

    /** A language model. */
    static Path llama(Path directory) throws IOException {
        Files.createDirectories(directory);
        for (String name : List.of("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")) {
            try (InputStream in = Objects.requireNonNull(TinyModels.class.getResourceAsStream("/demo/" + name))) {
                Files.copy(in, directory.resolve(name));
            }
        }
        return directory;
    }

    /** So many records for it. */
    static List<TextRecord> sentences(int count) {
        List<TextRecord> all = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            String who = ANIMALS[i % ANIMALS.length];
            String mood = MOODS[i / ANIMALS.length % MOODS.length];
            all.add(new TextRecord("the " + who + " is " + mood, "the " + mood + " " + who + " was " + mood, null));
        }
        return all;
    }

    /** A classifier whose head has three outputs. */
    static Path bert(Path directory) throws IOException {
        Files.createDirectories(directory);
        Path from = Shared.root().resolve("peft-tests/src/test/resources/golden/models/bert");
        for (String name : List.of("config.json", "model.safetensors")) {
            Files.copy(from.resolve(name), directory.resolve(name));
        }
        Map<String, Object> vocabulary = new LinkedHashMap<>();
        List<Object> added = new ArrayList<>();
        for (String token : SPECIAL) {
            Map<String, Object> special = new LinkedHashMap<>(Map.of("id", vocabulary.size(), "content", token));
            for (String flag : List.of("single_word", "lstrip", "rstrip", "normalized")) {
                special.put(flag, false);
            }
            special.put("special", true);
            added.add(special);
            vocabulary.put(token, vocabulary.size());
        }
        WORDS.forEach(word -> vocabulary.put(word, vocabulary.size()));
        Map<String, Object> pieces = new LinkedHashMap<>(Map.of("type", "WordPiece", "unk_token", "[UNK]"));
        pieces.putAll(Map.of("continuing_subword_prefix", "##", "max_input_chars_per_word", 100));
        pieces.put("vocab", vocabulary);
        Map<String, Object> around =
                Map.of("type", "BertProcessing", "sep", List.of("[SEP]", 3), "cls", List.of("[CLS]", 2));
        Map<String, Object> tokenizer = new LinkedHashMap<>(Map.of("version", "1.0", "added_tokens", added));
        tokenizer.put("pre_tokenizer", Map.of("type", "BertPreTokenizer"));
        tokenizer.put("post_processor", around);
        tokenizer.put("model", pieces);
        Files.writeString(directory.resolve("tokenizer.json"), Json.print(tokenizer));
        return directory;
    }

    /** The same with fields of config.json changed. */
    static Path bert(Path directory, Map<String, Object> fields) throws IOException {
        Path config = bert(directory).resolve("config.json");
        Map<String, Object> changed = new LinkedHashMap<>(Json.read(config));
        changed.putAll(fields);
        Files.writeString(config, Json.print(changed));
        return directory;
    }

    /** Texts with one label after the other; a label decides on a word that is in the text. */
    static List<TextRecord> labelled(int count, String... labels) {
        List<TextRecord> all = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            int k = i % labels.length;
            StringBuilder text = new StringBuilder("the film was ").append(WORDS.get(k));
            for (int n = i; n > 0; n /= 3) {
                text.append(' ').append(WORDS.get(4 + n % 3));
            }
            all.add(new TextRecord("", text.toString(), labels[k]));
        }
        return all;
    }
}
