package dev.peft4j.models;

import static dev.peft4j.models.TokenizerParts.fields;

import dev.peft4j.core.error.BadFileException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a class of transformers makes of the vocabulary of a {@code tokenizer.json} and the settings of a {@code tokenizer_config.json}.
 *
 * @param kind the class
 * @param file {@code tokenizer.json}
 * @param settings of {@code tokenizer_config.json}; empty if there is none
 */
record TokenizerRecipe(TokenizerClass kind, JsonPart file, JsonPart settings) {
    static final String SPACE = "\u2581"; // of SentencePiece
    private static final String QWEN2_WORDS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}|"
            + " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

    /** A setting that transformers gives to the tokenizer as it is: null is no value of it. */
    private boolean flag(String name, boolean otherwise) throws BadFileException {
        return settings.fields().containsKey(name) ? settings.flag(name) : otherwise;
    }

    private static Map<String, Object> typed(String type, @Nullable Object... namesAndValues) {
        Map<String, Object> out = fields("type", type);
        out.putAll(fields(namesAndValues));
        return out;
    }

    private static Map<String, Object> byteLevel(boolean prefixSpace, boolean regex) {
        return typed("ByteLevel", "add_prefix_space", prefixSpace, "trim_offsets", true, "use_regex", regex);
    }

    private static Map<String, Object> metaspace(String scheme, boolean split) {
        return typed("Metaspace", "replacement", SPACE, "prepend_scheme", scheme, "split", split);
    }

    private static Map<String, Object> sequence(String name, List<Map<String, Object>> parts) {
        return typed("Sequence", name, parts);
    }

    /** Tokens that the class gives names to where no file does. */
    void name(SpecialTokens tokens) throws BadFileException {
        new TokenNames(kind, settings).giveTo(tokens);
    }

    /** The parts of the tokenizer, as in a {@code tokenizer.json}; the post-processor is that of the file. */
    JsonPart parts(SpecialTokens tokens) throws BadFileException {
        if (kind == TokenizerClass.FILE) {
            return file;
        }
        Map<String, Object> parts = new LinkedHashMap<>(file.fields());
        parts.put("normalizer", normalizer());
        parts.put("pre_tokenizer", preTokenizer());
        parts.put("decoder", decoder());
        parts.put("model", model(tokens));
        return new JsonPart(file.file(), "", parts);
    }

    private @Nullable Map<String, Object> normalizer() throws BadFileException {
        return switch (kind) {
            case BERT -> {
                Map<String, Object> bert = typed(
                        "BertNormalizer",
                        "clean_text",
                        true,
                        "handle_chinese_chars",
                        flag("tokenize_chinese_chars", true),
                        "lowercase",
                        flag("do_lower_case", true));
                if (settings.has("strip_accents")) {
                    bert.put("strip_accents", settings.flag("strip_accents"));
                }
                yield bert;
            }
            case GPT_NEOX, QWEN2 -> typed("NFC");
            case GEMMA -> typed("Replace", "pattern", fields("String", " "), "content", SPACE);
            case XLM_ROBERTA, T5 -> charsMap();
            default -> null;
        };
    }

    /** The character map of the file's own normaliser, or null. */
    private @Nullable Map<String, Object> charsMap() throws BadFileException {
        JsonPart given = file.objectOrNull("normalizer");
        if (given == null) {
            return null;
        }
        List<JsonPart> parts = new ArrayList<>();
        if ("Sequence".equals(given.fields().get("type"))) {
            for (int i = 0; i < given.list("normalizers").size(); i++) {
                parts.add(given.element("normalizers", i));
            }
        } else {
            parts.add(given);
        }
        return parts.stream()
                .filter(p -> "Precompiled".equals(p.fields().get("type")))
                .map(JsonPart::fields)
                .findFirst()
                .orElse(null);
    }

    private Map<String, Object> preTokenizer() throws BadFileException {
        return switch (kind) {
            case BERT -> typed("BertPreTokenizer");
            case GPT2, ROBERTA, GPT_NEOX -> byteLevel(flag("add_prefix_space", false), true);
            case LLAMA -> {
                String scheme = settings.flag("legacy", false) ? "always" : "first";
                yield metaspace(settings.flag("add_prefix_space", true) ? scheme : "never", false);
            }
            case CODE_LLAMA -> metaspace(settings.flag("add_prefix_space", true) ? "first" : "never", false);
            case QWEN2 ->
                sequence(
                        "pretokenizers",
                        List.of(
                                typed(
                                        "Split",
                                        "pattern",
                                        fields("Regex", QWEN2_WORDS),
                                        "behavior",
                                        "Isolated",
                                        "invert",
                                        false),
                                byteLevel(settings.flag("add_prefix_space", false), false)));
            case GEMMA ->
                typed("Split", "pattern", fields("String", " "), "behavior", "MergedWithPrevious", "invert", false);
            case XLM_ROBERTA, T5 ->
                sequence("pretokenizers", List.of(typed("WhitespaceSplit"), metaspace(scheme(), true)));
            case FILE -> throw new AssertionError("a file has its own");
        };
    }

    /** Whether words of XLM-R begin with a space; those of T5 always do. */
    private String scheme() throws BadFileException {
        return kind == TokenizerClass.T5 || flag("add_prefix_space", true) ? "always" : "never";
    }

    private Map<String, Object> decoder() throws BadFileException {
        return switch (kind) {
            case BERT -> typed("WordPiece", "prefix", "##", "cleanup", true);
            case GPT2, ROBERTA, GPT_NEOX, QWEN2 -> byteLevel(true, true);
            case LLAMA, CODE_LLAMA, GEMMA -> {
                List<Map<String, Object>> steps = new ArrayList<>(List.of(
                        typed("Replace", "pattern", fields("String", SPACE), "content", " "),
                        typed("ByteFallback"),
                        typed("Fuse")));
                boolean strips = kind == TokenizerClass.CODE_LLAMA
                        || (kind == TokenizerClass.LLAMA && settings.flag("add_prefix_space", true));
                if (strips) {
                    steps.add(typed("Strip", "content", " ", "start", 1, "stop", 0));
                }
                yield sequence("decoders", steps);
            }
            case XLM_ROBERTA, T5 -> metaspace(scheme(), true);
            case FILE -> throw new AssertionError("a file has its own");
        };
    }

    private Map<String, Object> model(SpecialTokens tokens) throws BadFileException {
        JsonPart given = file.object("model");
        ModelPart.Kind wanted =
                switch (kind) {
                    case BERT -> ModelPart.Kind.WORD_PIECE;
                    case XLM_ROBERTA, T5 -> ModelPart.Kind.UNIGRAM;
                    default -> ModelPart.Kind.BPE;
                };
        if (ModelPart.kind(given) != wanted) {
            throw given.bad("a " + wanted.type() + " model was expected by the class of this tokenizer, found "
                    + ModelPart.kind(given).type()
                    + ". They do not belong together; correct \"tokenizer_class\" of tokenizer_config.json.");
        }
        Object vocabulary = given.fields().get("vocab");
        return switch (kind) {
            case BERT ->
                typed(
                        "WordPiece",
                        "unk_token",
                        content(tokens, "unk_token"),
                        "continuing_subword_prefix",
                        "##",
                        "max_input_chars_per_word",
                        100,
                        "vocab",
                        vocabulary);
            case XLM_ROBERTA -> typed("Unigram", "unk_id", 3, "vocab", vocabulary);
            case T5 -> typed("Unigram", "unk_id", 2, "vocab", vocabulary);
            default -> {
                boolean pieces = kind == TokenizerClass.LLAMA
                        || kind == TokenizerClass.CODE_LLAMA
                        || kind == TokenizerClass.GEMMA;
                boolean unknown = pieces && kind != TokenizerClass.LLAMA;
                yield typed(
                        "BPE",
                        "unk_token",
                        unknown ? content(tokens, "unk_token") : null,
                        "fuse_unk",
                        pieces,
                        "byte_fallback",
                        pieces,
                        "vocab",
                        vocabulary,
                        "merges",
                        given.fields().get("merges"));
            }
        };
    }

    private String content(SpecialTokens tokens, String name) throws BadFileException {
        AddedToken token = tokens.named(name);
        if (token == null) {
            throw settings.bad(name + " is null, and this class of tokenizer needs one. Name a token.");
        }
        return token.content();
    }

    /** The special tokens around a text. */
    PostProcessor postProcessor(SpecialTokens tokens, AddedTokens added, int vocabularySize) throws BadFileException {
        Map<String, Object> json =
                switch (kind) {
                    case BERT -> PostProcessor.template(id(tokens, added, "cls_token"), id(tokens, added, "sep_token"));
                    case XLM_ROBERTA ->
                        PostProcessor.template(id(tokens, added, "bos_token"), id(tokens, added, "eos_token"));
                    case ROBERTA ->
                        typed(
                                "RobertaProcessing",
                                "sep",
                                pair(tokens, added, "sep_token"),
                                "cls",
                                pair(tokens, added, "cls_token"),
                                "trim_offsets",
                                flag("trim_offsets", true),
                                "add_prefix_space",
                                flag("add_prefix_space", false));
                    case T5 -> PostProcessor.template(Map.of(), id(tokens, added, "eos_token"));
                    case CODE_LLAMA ->
                        tokens.named("bos_token") == null
                                ? null
                                : PostProcessor.template(id(tokens, added, "bos_token"), Map.of());
                    case GPT_NEOX -> null;
                    case FILE, GPT2, LLAMA, QWEN2, GEMMA ->
                        file.has("post_processor")
                                ? file.object("post_processor").fields()
                                : null;
                };
        JsonPart part = json == null ? null : new JsonPart(file.file(), "post_processor", json);
        return PostProcessor.of(part, vocabularySize);
    }

    private Map<String, Integer> id(SpecialTokens tokens, AddedTokens added, String name) throws BadFileException {
        String content = content(tokens, name);
        return Map.of(content, added.id(content));
    }

    private List<Object> pair(SpecialTokens tokens, AddedTokens added, String name) throws BadFileException {
        String content = content(tokens, name);
        return List.of(content, added.id(content));
    }

    /** Tokens that the class adds once more, with its own properties. */
    List<AddedToken> addedAgain(SpecialTokens tokens) {
        return kind == TokenizerClass.QWEN2
                ? tokens.special().stream()
                        .map(t -> AddedToken.special(t.content()))
                        .toList()
                : List.of();
    }
}
