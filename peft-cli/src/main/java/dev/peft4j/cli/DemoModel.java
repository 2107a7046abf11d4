package dev.peft4j.cli;

import dev.peft4j.core.io.AtomicFile;
import dev.peft4j.core.io.Json;
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
            try (InputStream in = DemoModel.class.getResourceAsStream("/demo/" + name)) {
                if (in == null) {
                    throw new IOException("the file demo/" + name
                            + " of the demo model is not on the class path. Make it with:" + " peft4j pretrain-demo");
                }
                Files.copy(in, directory.resolve(name), StandardCopyOption.REPLACE_EXISTING);
            }
        }
        return directory;
    }

    /** A Llama of about 370,000 parameters. */
    static Map<String, Object> config() {
        Map<String, Object> c = new LinkedHashMap<>();
        c.put("architectures", List.of("LlamaForCausalLM"));
        c.put("model_type", "llama");
        c.put("vocab_size", DemoText.vocabulary().size());
        c.put("hidden_size", 96);
        c.put("intermediate_size", 256);
        c.put("num_hidden_layers", 3);
        c.put("num_attention_heads", 6);
        c.put("num_key_value_heads", 3);
        c.put("head_dim", 16);
        c.put("max_position_embeddings", 128);
        c.put("rms_norm_eps", 1e-5);
        c.put("rope_theta", 10000.0);
        c.put("hidden_act", "silu");
        c.put("tie_word_embeddings", true);
        c.put("bos_token_id", 1);
        c.put("eos_token_id", 2);
        c.put("dtype", "float32");
        return c;
    }

    /** Writes config and tokenizer: words and signs are tokens, a space becomes part of the word behind it. */
    static void writeFiles(Path directory) throws IOException {
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
        AtomicFile.write(directory.resolve("config.json"), Json.print(config()) + "\n");
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
