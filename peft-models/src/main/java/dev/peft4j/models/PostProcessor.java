package dev.peft4j.models;

import dev.peft4j.core.error.BadFileException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The post-processor of a tokenizer: the special tokens around a text.
 *
 * @param json the part with the fields that the library reads; null if there is none
 * @param before ids in front of a text
 * @param after ids behind it
 * @param pair how two texts are put together
 */
record PostProcessor(@Nullable Map<String, Object> json, int[] before, int[] after, PairTemplate pair) {
    private static final int MOST_PIECES = 64;
    private static final int DEEPEST = 10;
    static final PostProcessor NONE = new PostProcessor(null, new int[0], new int[0], PairTemplate.PLAIN);

    /**
     * Checks a part.
     *
     * @param vocabularySize of the model, which all ids have to be below
     */
    static PostProcessor of(@Nullable JsonPart part, int vocabularySize) throws BadFileException {
        return part == null ? NONE : of(part, vocabularySize, 0);
    }

    /** A template of single tokens around a text, as in a file; token types are those of the first and second text. */
    static Map<String, Object> template(Map<String, Integer> before, Map<String, Integer> after) {
        Map<String, Object> tokens = TokenizerParts.fields();
        List<Object> single = new ArrayList<>();
        add(single, tokens, before);
        single.add(Map.of("Sequence", TokenizerParts.fields("id", "A", "type_id", 0)));
        add(single, tokens, after);
        List<Object> pair = new ArrayList<>(single);
        pair.add(Map.of("Sequence", TokenizerParts.fields("id", "B", "type_id", 1)));
        return TokenizerParts.fields(
                "type", "TemplateProcessing", "single", single, "pair", pair, "special_tokens", tokens);
    }

    private static void add(List<Object> single, Map<String, Object> tokens, Map<String, Integer> added) {
        added.forEach((name, id) -> {
            single.add(Map.of("SpecialToken", TokenizerParts.fields("id", name, "type_id", 0)));
            tokens.put(name, TokenizerParts.fields("id", name, "ids", List.of(id), "tokens", List.of(name)));
        });
    }

    private static PostProcessor of(JsonPart part, int size, int depth) throws BadFileException {
        String type = part.text("type");
        return switch (type) {
            case "ByteLevel" ->
                new PostProcessor(TokenizerParts.byteLevel(part), new int[0], new int[0], PairTemplate.PLAIN);
            case "BertProcessing", "RobertaProcessing" -> pair(part, type, size);
            case "TemplateProcessing" -> template(part, size);
            case "Sequence" -> sequence(part, size, depth);
            default ->
                throw part.bad("there is no post_processor of type " + JsonPart.shown(type)
                        + ". Save the tokenizer again, or use one without this part.");
        };
    }

    private static PostProcessor pair(JsonPart part, String type, int size) throws BadFileException {
        int sep = token(part, "sep", size);
        int cls = token(part, "cls", size);
        Map<String, Object> json =
                TokenizerParts.fields("type", type, "sep", part.list("sep"), "cls", part.list("cls"));
        boolean roberta = type.equals("RobertaProcessing");
        if (roberta) {
            json.put("trim_offsets", part.flag("trim_offsets"));
            json.put("add_prefix_space", part.flag("add_prefix_space"));
        }
        PairTemplate both = roberta ? PairTemplate.roberta(cls, sep) : PairTemplate.bert(cls, sep);
        return new PostProcessor(json, new int[] {cls}, new int[] {sep}, both);
    }

    private static int token(JsonPart part, String name, int size) throws BadFileException {
        List<?> list = part.list(name);
        if (list.size() == 2 && list.get(0) instanceof String s && JsonPart.isWhole(s)) {
            return id(part, list.get(1), size);
        }
        throw part.bad(name + " is " + JsonPart.shown(list)
                + " where the text and the id of a token were expected. Save the tokenizer again.");
    }

    private static int id(JsonPart part, @Nullable Object value, int size) throws BadFileException {
        if (value instanceof Integer i && i >= 0 && i < size) {
            return i;
        }
        throw part.bad("it adds the id " + JsonPart.shown(value) + ", the model has " + size
                + " (vocab_size). They do not belong together; use the tokenizer of this model.");
    }

    private static PostProcessor template(JsonPart part, int size) throws BadFileException {
        Map<String, Object> tokens = TokenizerParts.fields();
        JsonPart given = part.object("special_tokens");
        for (String name : given.names()) {
            tokens.put(name, special(given.object(name), size));
        }
        List<Object> pair = new ArrayList<>();
        List<PairTemplate.Piece> both = new ArrayList<>();
        for (int i = 0; i < pieces(part, "pair"); i++) {
            JsonPart element = part.element("pair", i);
            pair.add(piece(element, tokens));
            both.add(ofPair(element, given));
        }
        List<Object> single = new ArrayList<>();
        IntStream.Builder before = IntStream.builder();
        IntStream.Builder after = IntStream.builder();
        boolean behind = false;
        for (int i = 0; i < pieces(part, "single"); i++) {
            JsonPart element = part.element("single", i);
            single.add(piece(element, tokens));
            if (element.has("Sequence")) {
                if (behind || !element.object("Sequence").text("id").equals("A")) {
                    throw element.bad("a single text is asked for once, as \"A\". Save the tokenizer again.");
                }
                behind = true;
            } else {
                for (Object id :
                        given.object(element.object("SpecialToken").text("id")).list("ids")) {
                    (behind ? after : before).add((Integer) id);
                }
            }
        }
        if (!behind) {
            throw part.bad("single has no place for the text. Save the tokenizer again.");
        }
        Map<String, Object> json = TokenizerParts.fields(
                "type", "TemplateProcessing", "single", single, "pair", pair, "special_tokens", tokens);
        return new PostProcessor(json, before.build().toArray(), after.build().toArray(), new PairTemplate(both));
    }

    private static PairTemplate.Piece ofPair(JsonPart element, JsonPart tokens) throws BadFileException {
        if (element.has("Sequence")) {
            JsonPart text = element.object("Sequence");
            int type = text.whole("type_id", 0, Integer.MAX_VALUE);
            return text.text("id").equals("A") ? PairTemplate.Piece.first(type) : PairTemplate.Piece.second(type);
        }
        JsonPart special = element.object("SpecialToken");
        List<Integer> ids = new ArrayList<>();
        tokens.object(special.text("id")).list("ids").forEach(id -> ids.add((Integer) id));
        return new PairTemplate.Piece(ids, special.whole("type_id", 0, Integer.MAX_VALUE));
    }

    private static int pieces(JsonPart part, String name) throws BadFileException {
        int n = part.list(name).size();
        if (n > MOST_PIECES) {
            throw part.bad(name + " has " + n + " pieces, more than " + MOST_PIECES + ". Save the tokenizer again.");
        }
        return n;
    }

    private static Map<String, Object> special(JsonPart token, int size) throws BadFileException {
        List<?> ids = token.list("ids");
        List<?> texts = token.list("tokens");
        if (ids.isEmpty() || ids.size() > MOST_PIECES || ids.size() != texts.size()) {
            throw token.bad(ids.size() + " ids and " + texts.size() + " tokens were found, where from 1 to "
                    + MOST_PIECES + " of both were expected. Save the tokenizer again.");
        }
        for (Object id : ids) {
            id(token, id, size);
        }
        for (Object text : texts) {
            if (!(text instanceof String s && JsonPart.isWhole(s))) {
                throw token.bad("tokens holds " + JsonPart.shown(text)
                        + " where a text was expected. Save the tokenizer again.");
            }
        }
        return TokenizerParts.fields("id", token.text("id"), "ids", ids, "tokens", texts);
    }

    private static Map<String, Object> piece(JsonPart element, Map<String, Object> tokens) throws BadFileException {
        if (element.has("Sequence")) {
            JsonPart text = element.object("Sequence");
            return Map.of(
                    "Sequence",
                    TokenizerParts.fields(
                            "id",
                            text.word("id", List.of("A", "B")),
                            "type_id",
                            text.whole("type_id", 0, Integer.MAX_VALUE)));
        }
        JsonPart special = element.object("SpecialToken");
        String id = special.text("id");
        if (!tokens.containsKey(id)) {
            throw special.bad("the template names " + JsonPart.shown(id) + ", and special_tokens has "
                    + JsonPart.shown(List.copyOf(tokens.keySet()).toString()) + ". Save the tokenizer again.");
        }
        return Map.of(
                "SpecialToken",
                TokenizerParts.fields("id", id, "type_id", special.whole("type_id", 0, Integer.MAX_VALUE)));
    }

    /** Steps that add tokens come once: the library ends the process on a template behind another. */
    private static PostProcessor sequence(JsonPart part, int size, int depth) throws BadFileException {
        if (depth == DEEPEST) {
            throw part.bad(
                    "there are more than " + DEEPEST + " sequences inside each other. Save the tokenizer again.");
        }
        List<Object> steps = new ArrayList<>();
        PostProcessor adding = NONE;
        for (int i = 0; i < part.list("processors").size(); i++) {
            JsonPart element = part.element("processors", i);
            PostProcessor step = of(element, size, depth + 1);
            boolean adds = !element.text("type").equals("ByteLevel");
            if (adds && adding.json != null) {
                throw element.bad(
                        "a second step that adds tokens was found, one was expected. Save the tokenizer again.");
            }
            adding = adds ? step : adding;
            steps.add(step.json);
        }
        return new PostProcessor(
                TokenizerParts.fields("type", "Sequence", "processors", steps),
                adding.before,
                adding.after,
                adding.pair);
    }
}
