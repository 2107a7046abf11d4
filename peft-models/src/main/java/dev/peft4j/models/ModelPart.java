package dev.peft4j.models;

import dev.peft4j.core.error.BadFileException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The model of a tokenizer: its vocabulary, and how it cuts words into tokens of it.
 *
 * @param kind of model
 * @param json the part with the fields that the library reads
 * @param ids of the tokens
 * @param count of tokens; the next one that is added gets this id
 * @param longestToken in characters
 * @param longestWord characters of the longest word that a WordPiece model cuts; 0 for others
 */
record ModelPart(
        Kind kind, Map<String, Object> json, Map<String, Integer> ids, int count, int longestToken, int longestWord) {
    private static final int MOST_CHARACTERS_PER_WORD = 1000; // the time to cut a word grows with its square
    private static final int LONGEST_UNIGRAM =
            256; // the library keeps a node for each byte and frees them one inside the other
    private static final int MOST_UNIGRAM_CHARACTERS = 1 << 22;
    private static final String ADVICE = " Save the tokenizer again.";

    /** Kinds of models. */
    enum Kind {
        BPE("BPE"),
        WORD_PIECE("WordPiece"),
        WORD_LEVEL("WordLevel"),
        UNIGRAM("Unigram");

        private final String type;

        Kind(String type) {
            this.type = type;
        }

        /** In a file. */
        String type() {
            return type;
        }
    }

    /**
     * Checks a part.
     *
     * @param size of the model's vocabulary, which all ids have to be below
     * @param bytes whether all texts are turned into characters for bytes first
     */
    static ModelPart of(JsonPart part, int size, boolean bytes) throws BadFileException {
        Kind kind = kind(part);
        return switch (kind) {
            case BPE -> bpe(part, size, bytes);
            case WORD_PIECE -> wordPiece(part, size);
            case WORD_LEVEL -> wordLevel(part, size);
            case UNIGRAM -> unigram(part, size);
        };
    }

    /** Old files do not name it. */
    static Kind kind(JsonPart part) throws BadFileException {
        if (!part.has("type")) {
            if (part.has("merges")) {
                return Kind.BPE;
            }
            if (part.fields().get("vocab") instanceof List<?>) {
                return Kind.UNIGRAM;
            }
            return part.has("continuing_subword_prefix") ? Kind.WORD_PIECE : Kind.WORD_LEVEL;
        }
        String type = part.text("type");
        for (Kind kind : Kind.values()) {
            if (kind.type.equals(type)) {
                return kind;
            }
        }
        throw part.bad("there is no model of type " + JsonPart.shown(type)
                + "; there are BPE, WordPiece, WordLevel and Unigram. Use a tokenizer of one of these.");
    }

    /** The id of a token, or -1. */
    int id(String token) {
        return ids.getOrDefault(token, -1);
    }

    /** Whether a token of the vocabulary has a space, or what stands for one, behind something else. */
    boolean spansWords() {
        return ids.keySet().stream().anyMatch(ModelPart::spansWords);
    }

    /** Whether a text has a space, or what stands for one, behind something else. */
    static boolean spansWords(String token) {
        boolean space = true;
        for (int i = 0; i < token.length(); i++) {
            char c = token.charAt(i);
            boolean marker = c == ' ' || c == '\u2581' || c == '\u0120'; // also of SentencePiece and of bytes
            if (marker && !space) {
                return true;
            }
            space = marker || Character.isWhitespace(c) || (c >= '\u0109' && c <= '\u010d'); // bytes 9 to 13
        }
        return false;
    }

    private static BadFileException tooLarge(JsonPart part, long largest, int size) {
        return part.bad("the tokenizer makes ids up to " + largest + ", the model has " + size
                + " (vocab_size). They do not belong together; use the tokenizer of this model.");
    }

    private static Map<String, Integer> vocabulary(JsonPart part, int size) throws BadFileException {
        JsonPart vocabulary = part.object("vocab");
        Map<String, Integer> ids = new HashMap<>(vocabulary.fields().size() * 2);
        int largest = -1;
        for (String token : vocabulary.names()) {
            int id = vocabulary.whole(token, 0, Integer.MAX_VALUE);
            ids.put(token, id);
            largest = Math.max(largest, id);
        }
        if (ids.isEmpty()) {
            throw vocabulary.bad("no token was found, at least one was expected." + ADVICE);
        }
        if (largest >= size) {
            throw tooLarge(part, largest, size);
        }
        return ids;
    }

    private static ModelPart model(
            Kind kind, Map<String, Object> json, Map<String, Integer> ids, int count, int longestWord) {
        int longest = ids.keySet().stream().mapToInt(String::length).max().orElse(1);
        return new ModelPart(kind, json, ids, count, longest, longestWord);
    }

    private static ModelPart bpe(JsonPart part, int size, boolean bytes) throws BadFileException {
        Map<String, Integer> ids = vocabulary(part, size);
        String prefix = part.has("continuing_subword_prefix") ? part.text("continuing_subword_prefix") : "";
        Map<String, Object> json = TokenizerParts.fields(
                "type",
                "BPE",
                "dropout",
                null,
                "unk_token",
                part.textOrNull("unk_token"),
                "continuing_subword_prefix",
                part.textOrNull("continuing_subword_prefix"),
                "end_of_word_suffix",
                part.textOrNull("end_of_word_suffix"),
                "fuse_unk",
                part.flag("fuse_unk", false),
                "byte_fallback",
                part.flag("byte_fallback", false),
                "ignore_merges",
                part.flag("ignore_merges", false),
                "vocab",
                ids,
                "merges",
                merges(part, ids, prefix));
        if (part.has("dropout") && !(part.fields().get("dropout") instanceof Number n && n.doubleValue() == 0)) {
            throw part.bad("dropout is " + JsonPart.shown(part.fields().get("dropout"))
                    + "; tokens would be drawn at random. Set it to null.");
        }
        if (!bytes) {
            unknown(part, ids);
        }
        return model(Kind.BPE, json, ids, ids.size(), 0);
    }

    /** The token for what the vocabulary does not have has to be in it itself. */
    private static void unknown(JsonPart part, Map<String, Integer> ids) throws BadFileException {
        String token = part.textOrNull("unk_token");
        if (token != null && !ids.containsKey(token)) {
            throw part.bad("unk_token is " + JsonPart.shown(token) + ", which is not one of the " + ids.size()
                    + " tokens of the vocabulary." + ADVICE);
        }
    }

    private static List<Object> merges(JsonPart part, Map<String, Integer> ids, String prefix) throws BadFileException {
        List<?> given = part.list("merges");
        List<Object> out = new ArrayList<>(given.size());
        for (int i = 0; i < given.size(); i++) {
            if (given.get(i) instanceof String line && line.startsWith("#version")) {
                continue;
            }
            List<?> pair = given.get(i) instanceof String line ? List.of(line.split(" ", -1)) : pair(given.get(i));
            if (pair.size() != 2 || !(pair.get(0) instanceof String a) || !(pair.get(1) instanceof String b)) {
                throw part.bad("merges[" + i + "] is " + JsonPart.shown(given.get(i))
                        + " where two tokens were expected." + ADVICE);
            }
            String rest = behind(b, prefix);
            if (!ids.containsKey(a) || !ids.containsKey(b) || rest == null || !ids.containsKey(a + rest)) {
                throw part.bad("merges[" + i + "] joins " + JsonPart.shown(a) + " and " + JsonPart.shown(b)
                        + ", and one of these or what they make is not in the vocabulary." + ADVICE);
            }
            out.add(pair);
        }
        return out;
    }

    /** What the library puts behind another token: the text without as many bytes as the prefix has, or null if there are none. */
    private static @Nullable String behind(String token, String prefix) {
        int bytes = prefix.getBytes(StandardCharsets.UTF_8).length;
        int at = 0;
        while (bytes > 0 && at < token.length()) {
            int c = token.codePointAt(at);
            at += Character.charCount(c);
            bytes -= Character.toString(c).getBytes(StandardCharsets.UTF_8).length;
        }
        return bytes == 0 ? token.substring(at) : null;
    }

    private static List<?> pair(@Nullable Object merge) {
        return merge instanceof List<?> l ? l : List.of();
    }

    private static ModelPart wordPiece(JsonPart part, int size) throws BadFileException {
        Map<String, Integer> ids = vocabulary(part, size);
        part.text("unk_token");
        unknown(part, ids);
        int longestWord = part.whole("max_input_chars_per_word", 0, MOST_CHARACTERS_PER_WORD);
        Map<String, Object> json = TokenizerParts.fields(
                "type",
                "WordPiece",
                "unk_token",
                part.text("unk_token"),
                "continuing_subword_prefix",
                part.text("continuing_subword_prefix"),
                "max_input_chars_per_word",
                longestWord,
                "vocab",
                ids);
        return model(Kind.WORD_PIECE, json, ids, ids.size(), longestWord);
    }

    private static ModelPart wordLevel(JsonPart part, int size) throws BadFileException {
        Map<String, Integer> ids = vocabulary(part, size);
        String unknown = part.text("unk_token");
        unknown(part, ids);
        Map<String, Object> json = TokenizerParts.fields("type", "WordLevel", "vocab", ids, "unk_token", unknown);
        return model(Kind.WORD_LEVEL, json, ids, ids.size(), 0);
    }

    private static ModelPart unigram(JsonPart part, int size) throws BadFileException {
        List<?> vocabulary = part.list("vocab");
        if (vocabulary.isEmpty()) {
            throw part.bad("vocab has no token, at least one was expected." + ADVICE);
        }
        if (vocabulary.size() > size) {
            throw tooLarge(part, vocabulary.size() - 1L, size);
        }
        Map<String, Integer> ids = new HashMap<>(vocabulary.size() * 2);
        long characters = 0;
        Predicate<@Nullable Object> isToken =
                t -> t instanceof String s && s.length() <= LONGEST_UNIGRAM && JsonPart.isWhole(s);
        for (int i = 0; i < vocabulary.size(); i++) {
            if (!(vocabulary.get(i) instanceof List<?> entry
                    && entry.size() == 2
                    && isToken.test(entry.get(0))
                    && entry.get(1) instanceof Number score
                    && Double.isFinite(score.doubleValue()))) {
                throw part.bad("vocab[" + i + "] is " + JsonPart.shown(vocabulary.get(i))
                        + " where a token of at most " + LONGEST_UNIGRAM + " characters and its score were expected."
                        + ADVICE);
            }
            String token = (String) entry.get(0);
            ids.put(token, i);
            characters += token.length();
        }
        if (characters > MOST_UNIGRAM_CHARACTERS) {
            throw part.bad(
                    "vocab has " + characters + " characters, more than " + MOST_UNIGRAM_CHARACTERS + "." + ADVICE);
        }
        Integer unknown = part.has("unk_id") ? part.whole("unk_id", 0, vocabulary.size() - 1) : null;
        Map<String, Object> json = TokenizerParts.fields(
                "type",
                "Unigram",
                "unk_id",
                unknown,
                "vocab",
                vocabulary,
                "byte_fallback",
                part.flag("byte_fallback", false));
        return model(Kind.UNIGRAM, json, ids, vocabulary.size(), 0);
    }
}
