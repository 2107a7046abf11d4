package dev.peft4j.models.gguf;

import static dev.peft4j.models.gguf.GgufTokenizer.fields;

import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.error.StoppedException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/**
 * Tokenizers of the kind {@code llama}: those of SentencePiece that merge pairs. The file has no merges, but a score for each token: of two neighbours that
 * make a token together, those with the highest score are merged first, so that each way to make a token is a merge of its rank.
 *
 * <p>Source: Kudo and Richardson 2018, <a href="https://arxiv.org/abs/1808.06226">paper</a>; {@code llm_tokenizer_spm} of llama.cpp's {@code llama-vocab.cpp}.
 */
final class Pieces {
    private static final String SPACE = "\u2581";
    private static final int LONGEST =
            256; // characters of a token that is made of others; the time grows with the square
    private static final long MOST_CHARACTERS =
            1 << 25; // of all merges; those of the largest vocabularies have 5 million
    private static final long NORMAL = 1; // of tokenizer.ggml.token_type
    private static final long BYTE = 6;

    private Pieces() {}

    /** Normaliser, pre-tokenizer, model and decoder as {@code tokenizer.json} has them. */
    static Map<String, Object> parts(GgufFields fields, GgufTokenizer.Vocabulary vocabulary) throws BadFileException {
        boolean prefix = fields.flag("tokenizer.ggml.add_space_prefix", true);
        if (fields.flag("tokenizer.ggml.remove_extra_whitespaces", false)) {
            throw fields.bad("tokenizer.ggml.remove_extra_whitespaces is true, which is not supported."
                    + " Use the model's Hugging Face directory.");
        }
        List<Object> normalizers = new ArrayList<>();
        List<Object> decoders =
                new ArrayList<>(List.of(replace(SPACE, " "), fields("type", "ByteFallback"), fields("type", "Fuse")));
        if (prefix) {
            normalizers.add(fields("type", "Prepend", "prepend", SPACE));
            decoders.add(fields("type", "Strip", "content", " ", "start", 1, "stop", 0));
        }
        normalizers.add(replace(" ", SPACE));
        return fields(
                "normalizer",
                fields("type", "Sequence", "normalizers", normalizers),
                "pre_tokenizer",
                null,
                "decoder",
                fields("type", "Sequence", "decoders", decoders),
                "model",
                fields(
                        "type",
                        "BPE",
                        "dropout",
                        null,
                        "unk_token",
                        vocabulary.unknown(),
                        "continuing_subword_prefix",
                        null,
                        "end_of_word_suffix",
                        null,
                        "fuse_unk",
                        true,
                        "byte_fallback",
                        vocabulary.types().contains(BYTE),
                        "ignore_merges",
                        false,
                        "vocab",
                        vocabulary.ids(),
                        "merges",
                        merges(fields, vocabulary)));
    }

    private static Map<String, Object> replace(String text, String by) {
        return fields("type", "Replace", "pattern", fields("String", text), "content", by);
    }

    /** All pairs of tokens that are a token together, by its score. */
    private static List<Object> merges(GgufFields fields, GgufTokenizer.Vocabulary vocabulary) throws BadFileException {
        List<Float> scores = fields.list("tokenizer.ggml.scores", Float.class);
        if (scores.size() != vocabulary.tokens().size()) {
            throw fields.bad("tokenizer.ggml.scores has " + scores.size() + " numbers for "
                    + vocabulary.tokens().size() + " tokens. The file is damaged; get it again.");
        }
        List<Integer> inOrder = new ArrayList<>();
        for (int i = 0; i < scores.size(); i++) {
            if (vocabulary.types().get(i) == NORMAL) {
                inOrder.add(i);
            }
        }
        inOrder.sort(
                Comparator.comparing((Integer i) -> scores.get(i)).reversed().thenComparing(i -> i));
        List<Object> merges = new ArrayList<>();
        long characters = 0;
        for (int id : inOrder) {
            StoppedException.ifInterrupted("a tokenizer was to be read");
            String token = vocabulary.tokens().get(id);
            if (token.length() > LONGEST) {
                throw fields.bad("the token " + id + " has " + token.length() + " characters, more than " + LONGEST
                        + ". Use the model's Hugging Face directory.");
            }
            if (characters > MOST_CHARACTERS) {
                throw fields.bad("its tokens are made of each other in so many ways that merges have more than "
                        + MOST_CHARACTERS + " characters. Use the model's Hugging Face directory.");
            }
            for (int at = token.length() - 1; at > 0; at--) { // as transformers: the longer one in front first
                String left = token.substring(0, at);
                String right = token.substring(at);
                if (vocabulary.ids().containsKey(left) && vocabulary.ids().containsKey(right)) {
                    merges.add(List.of(left, right));
                    characters += token.length();
                }
            }
        }
        return merges;
    }
}
