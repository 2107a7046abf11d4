package dev.peft4j.models;

import dev.peft4j.core.error.BadFileException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Normalisers, pre-tokenizers and decoders of a {@code tokenizer.json}, checked field by field: the tokenizer library ends the process on many values
 * that it does not expect. Each check returns the part with the fields that the library reads and no others.
 */
final class TokenizerParts {
    private static final int DEEPEST = 10;
    private static final int LONGEST_TEXT = 1024;
    private static final List<String> BEHAVIORS =
            List.of("Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous");
    private static final Pattern ONLY_SPACES = Pattern.compile("( |\\\\s)[+*{}0-9,]*");
    private static final String ADVICE = " Save the tokenizer again, or use one without this part.";

    private final TextGrowth growth = new TextGrowth();

    /** Of the parts that were checked, in the order of the checks. */
    TextGrowth growth() {
        return growth;
    }

    /** Whether a part is of a type, or a sequence of parts has one that is. */
    static boolean has(@Nullable Map<?, ?> part, String type) {
        return part != null
                && (type.equals(part.get("type"))
                        || part.values().stream()
                                .anyMatch(v -> v instanceof List<?> l
                                        && l.stream().anyMatch(e -> e instanceof Map<?, ?> m && has(m, type))));
    }

    /** Fields by name, in this order. */
    static Map<String, Object> fields(@Nullable Object... namesAndValues) {
        Map<String, Object> out = new LinkedHashMap<>();
        for (int i = 0; i < namesAndValues.length; i += 2) {
            out.put(String.valueOf(namesAndValues[i]), namesAndValues[i + 1]);
        }
        return out;
    }

    private static Map<String, Object> typed(String type, @Nullable Object... namesAndValues) {
        Map<String, Object> out = fields("type", type);
        out.putAll(fields(namesAndValues));
        return out;
    }

    private static BadFileException unknown(JsonPart part, String kind, String type) {
        return part.bad("there is no " + kind + " of type " + JsonPart.shown(type) + "." + ADVICE);
    }

    /** A text that is put into others. */
    private static String insert(JsonPart part, String name) throws BadFileException {
        String text = part.text(name);
        if (text.length() > LONGEST_TEXT) {
            throw part.bad(name + " has " + text.length() + " characters, more than " + LONGEST_TEXT + "." + ADVICE);
        }
        return text;
    }

    /** Checks a list of parts of the same kind. */
    private interface Check {
        Map<String, Object> check(JsonPart part, int depth) throws BadFileException;
    }

    private static Map<String, Object> sequence(JsonPart part, String name, int depth, Check each)
            throws BadFileException {
        if (depth == DEEPEST) {
            throw part.bad("there are more than " + DEEPEST + " sequences inside each other." + ADVICE);
        }
        List<Object> out = new ArrayList<>();
        for (int i = 0; i < part.list(name).size(); i++) {
            out.add(each.check(part.element(name, i), depth + 1));
        }
        return typed("Sequence", name, out);
    }

    /** Checks a normaliser; null where there is none. */
    @Nullable
    Map<String, Object> normalizer(@Nullable JsonPart part) throws BadFileException {
        return part == null ? null : normalizer(part, 0);
    }

    private Map<String, Object> normalizer(JsonPart part, int depth) throws BadFileException {
        String type = part.text("type");
        return switch (type) {
            case "BertNormalizer" -> {
                growth.decompose();
                growth.times(3); // spaces around an ideograph
                Map<String, Object> out = typed(
                        type,
                        "clean_text",
                        part.flag("clean_text"),
                        "handle_chinese_chars",
                        part.flag("handle_chinese_chars"),
                        "lowercase",
                        part.flag("lowercase"));
                if (part.has("strip_accents")) {
                    out.put("strip_accents", part.flag("strip_accents"));
                }
                yield out;
            }
            case "Strip" -> typed(type, "strip_left", part.flag("strip_left"), "strip_right", part.flag("strip_right"));
            case "StripAccents", "Nmt" -> typed(type);
            case "NFC", "NFD", "NFKC", "NFKD", "Lowercase" -> {
                growth.decompose();
                yield typed(type);
            }
            case "ByteLevel" -> {
                growth.times(4);
                yield typed(type);
            }
            case "Precompiled" -> precompiled(part);
            case "Replace" -> replace(part);
            case "Prepend" -> {
                String text = insert(part, "prepend");
                growth.times(1 + TextGrowth.decomposed(text)); // in front of each stretch between added tokens
                yield typed(type, "prepend", text);
            }
            case "Sequence" -> sequence(part, "normalizers", depth, this::normalizer);
            default -> throw unknown(part, "normalizer", type);
        };
    }

    private Map<String, Object> precompiled(JsonPart part) throws BadFileException {
        try {
            CharsMap map = CharsMap.of(part.text("precompiled_charsmap"));
            growth.decompose();
            growth.times(map.growth());
            return typed("Precompiled", "precompiled_charsmap", map.base64());
        } catch (IllegalArgumentException e) {
            throw part.bad(
                    "precompiled_charsmap is no character map: " + e.getMessage() + ". Save the tokenizer again.");
        }
    }

    private Map<String, Object> replace(JsonPart part) throws BadFileException {
        Search search = search(part);
        if (search.shortest == 0) {
            throw part.object("pattern")
                    .bad(JsonPart.shown(search.source) + " also matches where nothing is, which cannot be replaced."
                            + ADVICE);
        }
        String content = insert(part, "content");
        growth.times(Math.ceil((double) TextGrowth.decomposed(content) / search.shortest));
        if (search.joinsWords) {
            growth.joinWords();
        }
        return typed("Replace", "pattern", search.pattern(), "content", content);
    }

    /**
     * What a text is searched for.
     *
     * @param kind {@code String} or {@code Regex}
     * @param shortest characters of a match
     * @param joinsWords whether a match may go beyond a space between two words
     */
    private record Search(String kind, String source, int shortest, boolean joinsWords) {
        Map<String, Object> pattern() {
            return fields(kind, source);
        }
    }

    private Search search(JsonPart part) throws BadFileException {
        JsonPart pattern = part.object("pattern");
        if (pattern.fields().containsKey("String")) {
            String text = insert(pattern, "String");
            return new Search("String", text, text.length(), text.contains(" ") && !text.isBlank());
        }
        String source = insert(pattern, "Regex");
        try {
            RegexPattern regex = RegexPattern.of(source);
            growth.search(regex);
            boolean joins = !ONLY_SPACES.matcher(source).matches();
            return new Search("Regex", source, regex.shortest(), joins);
        } catch (IllegalArgumentException e) {
            throw pattern.bad("the regular expression " + JsonPart.shown(source) + " is not supported: "
                    + e.getMessage() + "." + ADVICE);
        }
    }

    /** Checks a pre-tokenizer; null where there is none. */
    @Nullable
    Map<String, Object> preTokenizer(@Nullable JsonPart part) throws BadFileException {
        return part == null ? null : preTokenizer(part, 0);
    }

    private Map<String, Object> preTokenizer(JsonPart part, int depth) throws BadFileException {
        String type = part.text("type");
        return switch (type) {
            case "BertPreTokenizer", "Whitespace", "WhitespaceSplit", "UnicodeScripts" -> typed(type);
            case "ByteLevel" -> {
                growth.times(4);
                yield byteLevel(part);
            }
            case "CharDelimiterSplit" -> typed(type, "delimiter", part.character("delimiter"));
            case "Metaspace" -> {
                growth.times(2);
                yield metaspace(part);
            }
            case "Sequence" -> sequence(part, "pretokenizers", depth, this::preTokenizer);
            case "Split" ->
                typed(
                        type,
                        "pattern",
                        search(part).pattern(),
                        "behavior",
                        part.word("behavior", BEHAVIORS),
                        "invert",
                        part.flag("invert"));
            case "Punctuation" ->
                typed(type, "behavior", part.has("behavior") ? part.word("behavior", BEHAVIORS) : "Isolated");
            case "Digits" -> typed(type, "individual_digits", part.flag("individual_digits"));
            case "FixedLength" ->
                typed(type, "length", part.has("length") ? part.whole("length", 1, Integer.MAX_VALUE) : 5);
            default -> throw unknown(part, "pre_tokenizer", type);
        };
    }

    /** As a pre-tokenizer, a post-processor or a decoder. */
    static Map<String, Object> byteLevel(JsonPart part) throws BadFileException {
        return typed(
                "ByteLevel",
                "add_prefix_space",
                part.flag("add_prefix_space"),
                "trim_offsets",
                part.flag("trim_offsets"),
                "use_regex",
                part.flag("use_regex", true));
    }

    private static Map<String, Object> metaspace(JsonPart part) throws BadFileException {
        String scheme = part.has("prepend_scheme")
                ? part.word("prepend_scheme", List.of("first", "never", "always"))
                : "always";
        if (!part.flag("add_prefix_space", true) && !scheme.equals("never")) {
            throw part.bad("add_prefix_space is false and prepend_scheme is \"" + scheme
                    + "\", which contradict each other. Save the tokenizer again.");
        }
        return typed(
                "Metaspace",
                "replacement",
                part.character("replacement"),
                "prepend_scheme",
                scheme,
                "split",
                part.flag("split", true));
    }

    /** Checks a decoder; null where there is none. */
    @Nullable
    Map<String, Object> decoder(@Nullable JsonPart part) throws BadFileException {
        growth.times(2); // spaces between tokens
        return part == null ? null : decoder(part, 0);
    }

    private Map<String, Object> decoder(JsonPart part, int depth) throws BadFileException {
        String type = part.text("type");
        return switch (type) {
            case "BPEDecoder" -> typed(type, "suffix", insert(part, "suffix"));
            case "ByteLevel" -> byteLevel(part);
            case "WordPiece" -> typed(type, "prefix", insert(part, "prefix"), "cleanup", part.flag("cleanup"));
            case "Metaspace" -> metaspace(part);
            case "CTC" ->
                typed(
                        type,
                        "pad_token",
                        insert(part, "pad_token"),
                        "word_delimiter_token",
                        insert(part, "word_delimiter_token"),
                        "cleanup",
                        part.flag("cleanup"));
            case "Fuse", "ByteFallback" -> typed(type);
            case "Replace" -> replace(part);
            case "Strip" -> // what is cut at the end may be longer than the text
                typed(
                        type,
                        "content",
                        part.character("content"),
                        "start",
                        part.whole("start", 0, LONGEST_TEXT),
                        "stop",
                        part.whole("stop", 0, 0));
            case "Sequence" -> sequence(part, "decoders", depth, this::decoder);
            default -> throw unknown(part, "decoder", type);
        };
    }
}
