package dev.peft4j.models.gguf;

import dev.peft4j.core.error.BadFileException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The tokenizer of a GGUF file as Hugging Face's files have it: ids are those of llama.cpp.
 *
 * @param json what {@code tokenizer.json} holds
 * @param settings what {@code tokenizer_config.json} holds, which has the tokenizer opened as it is in its file
 */
record GgufTokenizer(Map<String, Object> json, Map<String, Object> settings) {
    private static final int UNKNOWN = 2; // of tokenizer.ggml.token_type
    private static final int CONTROL = 3;
    private static final int USER_DEFINED = 4;

    /** Fields by name, in this order. */
    static Map<String, Object> fields(@Nullable Object... namesAndValues) {
        Map<String, Object> out = new LinkedHashMap<>();
        for (int i = 0; i < namesAndValues.length; i += 2) {
            Object value = namesAndValues[i + 1];
            out.put(String.valueOf(namesAndValues[i]), value);
        }
        return out;
    }

    /**
     * The tokenizer of a model.
     *
     * @throws BadFileException if it has none, or one of another kind
     */
    static GgufTokenizer of(LlamaBase base) throws BadFileException {
        GgufFields fields = base.fields();
        Vocabulary vocabulary = Vocabulary.of(fields, base.vocabulary());
        String kind = fields.text("tokenizer.ggml.model");
        Map<String, Object> parts =
                switch (kind) {
                    case "gpt2" -> ByteLevel.parts(fields, vocabulary);
                    case "llama" -> Pieces.parts(fields, vocabulary);
                    default ->
                        throw fields.bad("tokenizer.ggml.model is " + GgufHeader.shown(kind)
                                + "; gpt2 and llama can be read. Use the model's Hugging Face directory.");
                };
        Map<String, Object> json = fields("version", "1.0", "truncation", null, "padding", null);
        json.put("added_tokens", vocabulary.added());
        json.putAll(parts);
        json.put("post_processor", around(fields, vocabulary, kind));
        return new GgufTokenizer(json, settings(base, vocabulary));
    }

    /**
     * The tokens of a file.
     *
     * @param tokens by id
     * @param types by id
     * @param ids by token
     */
    record Vocabulary(List<String> tokens, List<Long> types, Map<String, Integer> ids) {

        static Vocabulary of(GgufFields fields, int size) throws BadFileException {
            List<String> tokens = fields.list("tokenizer.ggml.tokens", String.class);
            List<Long> types = fields.list("tokenizer.ggml.token_type", Long.class);
            if (tokens.isEmpty() || tokens.size() > size || types.size() != tokens.size()) {
                throw fields.bad("the tokenizer has " + tokens.size() + " tokens and " + types.size()
                        + " types of them, for a model with " + size + ". The file is damaged; get it again.");
            }
            Map<String, Integer> ids = new HashMap<>();
            for (int i = 0; i < tokens.size(); i++) {
                if (ids.put(tokens.get(i), i) != null) {
                    throw fields.bad("the token " + GgufHeader.shown(tokens.get(i)) + " is there twice, the second time"
                            + " with the id " + i + ". Use the model's Hugging Face directory.");
                }
            }
            return new Vocabulary(tokens, types, ids);
        }

        /** Tokens that are found in a text before it is cut. */
        private List<Object> added() {
            List<Object> added = new ArrayList<>();
            for (int i = 0; i < tokens.size(); i++) {
                long type = types.get(i);
                boolean found = type == UNKNOWN || type == CONTROL || type == USER_DEFINED;
                if (found && !tokens.get(i).isEmpty()) {
                    added.add(fields(
                            "id",
                            i,
                            "content",
                            tokens.get(i),
                            "single_word",
                            false,
                            "lstrip",
                            false,
                            "rstrip",
                            false,
                            "normalized",
                            false,
                            "special",
                            type != USER_DEFINED));
                }
            }
            return added;
        }

        /** The first token that stands for what is not in the vocabulary, or null. */
        @Nullable
        String unknown() {
            int at = types.indexOf((long) UNKNOWN);
            return at < 0 ? null : tokens.get(at);
        }
    }

    /** The tokens around a text, or null if there are none. */
    private static @Nullable Map<String, Object> around(GgufFields fields, Vocabulary vocabulary, String kind)
            throws BadFileException {
        boolean usual = kind.equals("llama") || ByteLevel.begins(fields); // llama.cpp's defaults
        List<Object> single = new ArrayList<>();
        Map<String, Object> tokens = new LinkedHashMap<>();
        if (fields.flag("tokenizer.ggml.add_bos_token", usual)) {
            add(fields, vocabulary, "tokenizer.ggml.bos_token_id", single, tokens);
        }
        single.add(Map.of("Sequence", fields("id", "A", "type_id", 0)));
        if (fields.flag("tokenizer.ggml.add_eos_token", false)) {
            add(fields, vocabulary, "tokenizer.ggml.eos_token_id", single, tokens);
        }
        List<Object> pair = new ArrayList<>(single);
        pair.add(Map.of("Sequence", fields("id", "B", "type_id", 1)));
        return tokens.isEmpty()
                ? null
                : fields("type", "TemplateProcessing", "single", single, "pair", pair, "special_tokens", tokens);
    }

    private static void add(
            GgufFields fields, Vocabulary vocabulary, String key, List<Object> single, Map<String, Object> tokens)
            throws BadFileException {
        Integer id = fields.token(key, vocabulary.tokens().size());
        if (id == null) {
            throw fields.bad(key + " is missing, and the tokenizer puts this token around a text. The file is damaged;"
                    + " get it again.");
        }
        String token = vocabulary.tokens().get(id);
        single.add(Map.of("SpecialToken", fields("id", token, "type_id", 0)));
        tokens.put(token, fields("id", token, "ids", List.of(id), "tokens", List.of(token)));
    }

    private static Map<String, Object> settings(LlamaBase base, Vocabulary vocabulary) throws BadFileException {
        GgufFields fields = base.fields();
        Map<String, Object> settings = new LinkedHashMap<>();
        Map<String, String> keys =
                Map.of("bos_token", "bos", "eos_token", "eos", "unk_token", "unknown", "pad_token", "padding");
        for (Map.Entry<String, String> e : keys.entrySet()) {
            Integer id = fields.token(
                    "tokenizer.ggml." + e.getValue() + "_token_id",
                    vocabulary.tokens().size());
            if (id != null) {
                settings.put(e.getKey(), vocabulary.tokens().get(id));
            }
        }
        settings.put("model_max_length", base.context());
        settings.put("clean_up_tokenization_spaces", false);
        settings.put("tokenizer_class", "PreTrainedTokenizerFast");
        if (fields.has("tokenizer.chat_template")) {
            settings.put("chat_template", fields.text("tokenizer.chat_template"));
        }
        return settings;
    }
}
