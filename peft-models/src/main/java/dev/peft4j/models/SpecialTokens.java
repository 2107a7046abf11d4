package dev.peft4j.models;

import dev.peft4j.core.error.BadFileException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The special tokens of a tokenizer as its files name them, read in the order of transformers: {@code tokenizer_config.json}; unless it lists all added
 * tokens, {@code special_tokens_map.json} is read over it, and {@code added_tokens.json} and {@code tokenizer.json} have the added tokens.
 */
final class SpecialTokens {
    private static final List<String> NAMES =
            List.of("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token");
    private static final String EXTRA = "extra_special_tokens";
    private static final String ADDITIONAL = "additional_special_tokens";
    private static final int MOST = 1 << 15; // the time to add them grows with the square of their number

    private final Map<String, @Nullable AddedToken> named = new LinkedHashMap<>(); // null if a file says so
    private final Set<String> assumed = new HashSet<>();
    private final Map<String, AddedToken> specific = new LinkedHashMap<>();
    private final List<AddedToken> extra = new ArrayList<>();
    private boolean hasExtra; // even if it is empty
    private @Nullable List<AddedToken> additional;
    private final Map<Integer, AddedToken> added = new TreeMap<>();

    /**
     * Reads the files of a directory.
     *
     * @param settings of {@code tokenizer_config.json}, if it is there
     * @param tokenizer {@code tokenizer.json}; null to leave out the tokens that it adds
     */
    static SpecialTokens read(Path directory, @Nullable JsonPart settings, @Nullable JsonPart tokenizer)
            throws IOException {
        SpecialTokens tokens = new SpecialTokens();
        if (settings != null) {
            tokens.readSettings(settings);
        }
        if (settings != null && settings.has("added_tokens_decoder")) {
            tokens.readAdded(settings.object("added_tokens_decoder"));
        } else {
            JsonPart map = JsonPart.readIfPresent(directory.resolve("special_tokens_map.json"));
            if (map != null) {
                tokens.readMap(map);
            }
            JsonPart legacy = JsonPart.readIfPresent(directory.resolve("added_tokens.json"));
            if (legacy != null) {
                tokens.readLegacy(legacy);
            }
            if (tokenizer != null) {
                for (int i = 0; i < count(tokenizer); i++) {
                    JsonPart element = tokenizer.element("added_tokens", i);
                    tokens.added.put(element.whole("id", 0, Integer.MAX_VALUE), AddedToken.of(element));
                }
            }
        }
        tokens.named.replaceAll((n, t) -> t == null ? null : tokens.asAdded(t));
        return tokens;
    }

    /** How many tokens {@code tokenizer.json} adds. */
    static int count(JsonPart tokenizer) throws BadFileException {
        int n = tokenizer.has("added_tokens") ? tokenizer.list("added_tokens").size() : 0;
        if (n > MOST) {
            throw tokenizer.bad("added_tokens has " + n + " tokens, more than " + MOST + ". Use another tokenizer.");
        }
        return n;
    }

    /** A token that is added has the properties with which it is added. */
    private AddedToken asAdded(AddedToken token) {
        return added.values().stream()
                .filter(t -> t.content().equals(token.content()))
                .reduce((first, last) -> last)
                .orElse(token);
    }

    private static boolean isSpecific(String name) {
        return name.endsWith("_token") && !NAMES.contains(name);
    }

    private static @Nullable AddedToken token(JsonPart part, String name) throws BadFileException {
        if (!part.has(name)) {
            return null;
        }
        return part.fields().get(name) instanceof String
                ? ofText(part, part.text(name))
                : AddedToken.of(part.object(name));
    }

    private static AddedToken ofText(JsonPart part, String content) throws BadFileException {
        Map<String, Object> one = TokenizerParts.fields("content", content, "special", true);
        return AddedToken.of(new JsonPart(part.file(), part.place(), one));
    }

    private void readSettings(JsonPart settings) throws BadFileException {
        for (String name : settings.fields().keySet()) {
            if (NAMES.contains(name)) {
                named.put(name, token(settings, name));
            } else if (isSpecific(name) && settings.fields().get(name) instanceof String) {
                put(name, token(settings, name));
            }
        }
        if (settings.has("model_specific_special_tokens") && specific.isEmpty()) {
            readSpecific(settings.object("model_specific_special_tokens"));
        }
        String list = isEmpty(settings, EXTRA) && settings.fields().containsKey(ADDITIONAL) ? ADDITIONAL : EXTRA;
        readExtra(settings, list);
    }

    private static boolean isEmpty(JsonPart part, String name) {
        Object value = part.fields().get(name);
        return value == null
                || (value instanceof List<?> l && l.isEmpty())
                || (value instanceof Map<?, ?> m && m.isEmpty());
    }

    private void put(String name, @Nullable AddedToken token) {
        if (token != null) {
            specific.put(name, token);
        }
    }

    private void readSpecific(JsonPart tokens) throws BadFileException {
        for (String name : tokens.names()) {
            put(name, token(tokens, name));
        }
    }

    private void readExtra(JsonPart part, String name) throws BadFileException {
        if (part.fields().get(name) instanceof Map<?, ?>) {
            readSpecific(part.object(name));
        } else if (part.has(name)) {
            hasExtra = true;
            for (AddedToken token : tokens(part, name)) {
                if (!extra.contains(token)) {
                    extra.add(token);
                }
            }
        }
    }

    private static List<AddedToken> tokens(JsonPart part, String name) throws BadFileException {
        List<AddedToken> out = new ArrayList<>();
        List<?> list = part.list(name);
        for (int i = 0; i < list.size(); i++) {
            out.add(list.get(i) instanceof String s ? ofText(part, s) : AddedToken.of(part.element(name, i)));
        }
        return out;
    }

    private void readAdded(JsonPart tokens) throws BadFileException {
        for (String id : tokens.names()) {
            added.put(number(tokens, id), AddedToken.of(tokens.object(id)));
        }
    }

    private static int number(JsonPart part, String id) throws BadFileException {
        try {
            return Integer.parseUnsignedInt(id);
        } catch (NumberFormatException e) {
            throw part.bad(JsonPart.shown(id) + " was found where the id of a token was expected."
                    + " Save the tokenizer again.");
        }
    }

    private void readMap(JsonPart map) throws BadFileException {
        for (String name : map.fields().keySet()) {
            if (NAMES.contains(name)) {
                AddedToken token = token(map, name);
                named.put(name, token == null ? null : token.asSpecial());
            } else if (isSpecific(name)) {
                put(name, token(map, name));
            } else if (name.equals(EXTRA)) {
                readExtra(map, name);
            } else if (name.equals(ADDITIONAL) && map.has(name)) {
                additional = tokens(map, name);
            }
        }
    }

    /** The oldest form: ids by text. */
    private void readLegacy(JsonPart tokens) throws BadFileException {
        for (String content : tokens.names()) {
            boolean special = named.values().stream()
                            .anyMatch(t -> t != null && t.content().equals(content))
                    || extra.stream().anyMatch(t -> t.content().equals(content));
            added.put(
                    tokens.whole(content, 0, Integer.MAX_VALUE),
                    new AddedToken(content, false, false, false, !special, special));
        }
    }

    /** Gives a name that no file mentions to a token, or to none. */
    void putIfUnnamed(String name, @Nullable String content) {
        if (!named.containsKey(name)) {
            named.put(name, content == null ? null : AddedToken.special(content));
            assumed.add(name);
        }
    }

    /** Whether a file names the token. */
    boolean isGiven(String name) {
        return named.get(name) != null && !assumed.contains(name);
    }

    /** Names a token of a kind of tokenizer, unless a file does. */
    void putIfUnknown(String name, String content) {
        specific.putIfAbsent(name, AddedToken.special(content));
    }

    /** More special tokens, which transformers forgets where a file has a list of its own. */
    void addIfNoneListed(List<AddedToken> tokens) {
        if (!hasExtra) {
            extra.addAll(tokens);
            hasExtra = true;
        }
        additional = null;
    }

    /** The list of {@code special_tokens_map.json} under its old name; null if there is none. */
    @Nullable
    List<AddedToken> additional() {
        return additional;
    }

    /** A token by its name, or null. */
    @Nullable
    AddedToken named(String name) {
        return named.get(name);
    }

    /** The tokens to add, in the order of transformers: those of the files by id, then those that are only named. */
    List<AddedToken> toAdd(AddedTokens before) {
        if (additional != null) {
            addIfNoneListed(List.copyOf(additional));
        }
        List<AddedToken> all = special();
        List<AddedToken> out = new ArrayList<>();
        for (AddedToken token : added.values()) {
            boolean isNamed = isNamed(token);
            out.add(isNamed ? token.asSpecial() : token);
        }
        for (AddedToken token : all) {
            boolean known = before.has(token.content())
                    || added.values().stream().anyMatch(t -> t.content().equals(token.content()));
            if (!known && !out.contains(token)) {
                out.add(isNamed(token) ? token.asSpecial() : token);
            }
        }
        return out;
    }

    private boolean isNamed(AddedToken token) {
        return named.values().stream().anyMatch(t -> t != null && t.content().equals(token.content()))
                || specific.values().stream().anyMatch(t -> t.content().equals(token.content()));
    }

    /** All special tokens: the named ones in the order of transformers, then the others. */
    List<AddedToken> special() {
        List<AddedToken> out = new ArrayList<>();
        for (String name : NAMES) {
            AddedToken token = named.get(name);
            if (token != null) {
                out.add(token);
            }
        }
        out.addAll(specific.values());
        out.addAll(extra);
        return out;
    }

    /** The ids of all special tokens. */
    Set<Integer> ids(AddedTokens tokens) {
        return special().stream().map(t -> tokens.id(t.content())).collect(Collectors.toSet());
    }
}
