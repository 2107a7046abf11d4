package dev.peft4j.cli;

import dev.peft4j.core.format.AtomicFile;
import dev.peft4j.core.format.Json;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The small base model of the demo: its files, and where they come from. */
final class DemoModel {
    private static final List<String> FILES =
            List.of("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json");

    private DemoModel() {}

    /** Copies the model out of the class path, and returns its directory. */
    static Path unpack(Path directory) throws IOException {
        Files.createDirectories(directory);
        for (String name : FILES) {
            unpack(name, directory);
        }
        return directory;
    }

    private static void unpack(String name, Path directory) throws IOException {
        try (InputStream in = DemoModel.class.getResourceAsStream("/demo/" + name)) {
            if (in == null) {
                throw new IOException("the file demo/" + name
                        + " of the demo model is not on the class path. Make it with: peft4j pretrain-demo");
            }
            Files.copy(in, directory.resolve(name), StandardCopyOption.REPLACE_EXISTING);
        }
    }

    /**
     * Writes config and tokenizer: words and signs are tokens, a space becomes part of the word behind it.
     *
     * @return the config: that of the model of the class path, for the words that there are now
     */
    static Map<String, Object> writeFiles(Path directory) throws IOException {
        Map<String, Object> vocabulary = new LinkedHashMap<>();
        List<String> tokens = DemoText.vocabulary();
        for (int i = 0; i < tokens.size(); i++) {
            vocabulary.put(tokens.get(i), i);
        }
        Map<String, Object> metaspace =
                Map.of("type", "Metaspace", "replacement", "\u2581", "prepend_scheme", "always", "split", true);
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("version", "1.0");
        json.put("truncation", null);
        json.put("padding", null);
        json.put("added_tokens", List.of(special(0, "<unk>"), special(1, "<s>"), special(2, "</s>")));
        json.put("normalizer", null);
        json.put(
                "pre_tokenizer",
                Map.of(
                        "type",
                        "Sequence",
                        "pretokenizers",
                        List.of(
                                metaspace,
                                Map.of(
                                        "type",
                                        "Split",
                                        "pattern",
                                        Map.of("Regex", "[.,:=]"),
                                        "behavior",
                                        "Isolated",
                                        "invert",
                                        false))));
        json.put(
                "post_processor",
                Map.of(
                        "type",
                        "TemplateProcessing",
                        "single",
                        List.of(
                                Map.of("SpecialToken", Map.of("id", "<s>", "type_id", 0)),
                                Map.of("Sequence", Map.of("id", "A", "type_id", 0))),
                        "pair",
                        List.of(
                                Map.of("Sequence", Map.of("id", "A", "type_id", 0)),
                                Map.of("Sequence", Map.of("id", "B", "type_id", 1))),
                        "special_tokens",
                        Map.of("<s>", Map.of("id", "<s>", "ids", List.of(1), "tokens", List.of("<s>")))));
        json.put("decoder", metaspace);
        json.put("model", Map.of("type", "WordLevel", "vocab", vocabulary, "unk_token", "<unk>"));
        AtomicFile.write(directory.resolve("tokenizer.json"), Json.print(json) + "\n");
        AtomicFile.write(
                directory.resolve("tokenizer_config.json"),
                Json.print(Map.of("bos_token", "<s>", "eos_token", "</s>", "unk_token", "<unk>")) + "\n");
        unpack("config.json", directory);
        Map<String, Object> config = new LinkedHashMap<>(Json.read(directory.resolve("config.json")));
        config.put("vocab_size", vocabulary.size());
        AtomicFile.write(directory.resolve("config.json"), Json.print(config) + "\n");
        return config;
    }

    private static Map<String, Object> special(int id, String content) {
        Map<String, Object> token = new LinkedHashMap<>();
        token.put("id", id);
        token.put("content", content);
        for (String flag : List.of("single_word", "lstrip", "rstrip", "normalized")) {
            token.put(flag, false);
        }
        token.put("special", true);
        return token;
    }
}
