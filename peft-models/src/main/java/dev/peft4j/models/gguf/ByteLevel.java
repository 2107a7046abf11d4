package dev.peft4j.models.gguf;

import static dev.peft4j.models.gguf.GgufTokenizer.fields;

import dev.peft4j.core.error.BadFileException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Tokenizers of the kind {@code gpt2}: a text is cut into words, whose bytes are merged pair by pair. How it is cut is only named in the file ({@code
 * tokenizer.ggml.pre}).
 *
 * <p>Source of the expressions: {@code llm_tokenizer_bpe} of llama.cpp's {@code llama-vocab.cpp}, and the tokenizers of the models that they are named after.
 */
final class ByteLevel {
    private static final String LLAMA3_WORDS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|"
            + " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
    private static final String QWEN2_WORDS = LLAMA3_WORDS.replace("\\p{N}{1,3}", "\\p{N}");
    private static final String GPT2_WORDS =
            "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)";

    private static final Set<String> LLAMA3 = Set.of("llama-bpe", "llama3", "llama-v3");
    private static final Set<String> QWEN2 = Set.of("qwen2", "deepseek-r1-qwen");
    private static final Set<String> DIGITS = Set.of("smollm", "starcoder", "refact", "command-r");
    private static final String GPT2 = "gpt-2";
    private static final String DEFAULT = "default";

    private ByteLevel() {}

    /** Whether texts begin with a token unless the file says something else. */
    static boolean begins(GgufFields fields) throws BadFileException {
        return LLAMA3.contains(name(fields));
    }

    private static String name(GgufFields fields) throws BadFileException {
        return fields.text("tokenizer.ggml.pre", DEFAULT);
    }

    /** Normaliser, pre-tokenizer, model and decoder as {@code tokenizer.json} has them. */
    static Map<String, Object> parts(GgufFields fields, GgufTokenizer.Vocabulary vocabulary) throws BadFileException {
        String name = name(fields);
        boolean prefix = fields.flag("tokenizer.ggml.add_space_prefix", false);
        if (prefix) {
            throw fields.bad(
                    "tokenizer.ggml.add_space_prefix is true, and no tokenizer of the kind gpt2 that is known here"
                            + " has it. Use the model's Hugging Face directory.");
        }
        return fields(
                "normalizer",
                QWEN2.contains(name) ? fields("type", "NFC") : null,
                "pre_tokenizer",
                words(fields, name),
                "decoder",
                bytes(true, true),
                "model",
                fields(
                        "type",
                        "BPE",
                        "dropout",
                        null,
                        "unk_token",
                        null,
                        "continuing_subword_prefix",
                        null,
                        "end_of_word_suffix",
                        null,
                        "fuse_unk",
                        false,
                        "byte_fallback",
                        false,
                        "ignore_merges",
                        LLAMA3.contains(name),
                        "vocab",
                        vocabulary.ids(),
                        "merges",
                        fields.list("tokenizer.ggml.merges", String.class)));
    }

    private static Map<String, Object> words(GgufFields fields, String name) throws BadFileException {
        if (LLAMA3.contains(name)) {
            return sequence(split(LLAMA3_WORDS), bytes(false, false));
        }
        if (QWEN2.contains(name)) {
            return sequence(split(QWEN2_WORDS), bytes(false, false));
        }
        if (DIGITS.contains(name)) {
            return sequence(fields("type", "Digits", "individual_digits", true), bytes(false, true));
        }
        return switch (name) {
            case GPT2 -> bytes(false, true);
            case DEFAULT ->
                sequence(
                        split("[\\p{P}\\$\\+<=>\\^~\\|]+"),
                        split(GPT2_WORDS),
                        split("\\p{N}+"),
                        split("[0-9][0-9][0-9]"),
                        bytes(false, false));
            default ->
                throw fields.bad("tokenizer.ggml.pre is " + GgufHeader.shown(name) + "; " + known()
                        + " can be read. Use the model's Hugging Face directory.");
        };
    }

    private static List<String> known() {
        List<String> all = new ArrayList<>(List.of(DEFAULT, GPT2));
        List.of(LLAMA3, QWEN2, DIGITS).forEach(names -> names.stream().sorted().forEach(all::add));
        return all;
    }

    private static Map<String, Object> sequence(@Nullable Object... parts) {
        return fields("type", "Sequence", "pretokenizers", List.of(parts));
    }

    private static Map<String, Object> split(String expression) {
        return fields("type", "Split", "pattern", fields("Regex", expression), "behavior", "Isolated", "invert", false);
    }

    private static Map<String, Object> bytes(boolean prefixSpace, boolean words) {
        return fields("type", "ByteLevel", "add_prefix_space", prefixSpace, "trim_offsets", true, "use_regex", words);
    }
}
