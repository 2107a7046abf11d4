package dev.peft4j.models;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.format.Problems;
import java.io.IOException;
import java.io.Reader;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * An object in a JSON file, whose fields are checked when they are asked for.
 *
 * @param file it is in
 * @param place in the file, for messages; empty for the whole of it
 * @param fields by name, in the order of the file; numbers with all their digits
 */
record JsonPart(Path file, String place, Map<String, Object> fields) {
    private static final long MAX_BYTES = 64 << 20;
    private static final int MAX_DEPTH = 100; // the tokenizer library ends the process at 128
    private static final JsonMapper MAPPER = JsonMapper.builder(JsonFactory.builder()
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxNestingDepth(MAX_DEPTH)
                            .build())
                    .build())
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
            .build();

    /**
     * Reads a file.
     *
     * @throws BadFileException if it is too large, or holds no JSON object
     */
    static JsonPart read(Path file) throws IOException {
        Object document = document(file);
        if (document instanceof Map<?, ?> fields) {
            return new JsonPart(file, "", named(fields));
        }
        throw new BadFileException(
                file, "a JSON object was expected, found " + shown(document) + ". Get the file again.");
    }

    /**
     * Reads a file that holds a list of objects.
     *
     * @throws BadFileException if it is too large, or holds no such list
     */
    static List<JsonPart> readList(Path file) throws IOException {
        Object document = document(file);
        List<JsonPart> parts = new ArrayList<>();
        for (Object element : document instanceof List<?> list ? list : Collections.singletonList(document)) {
            if (!(document instanceof List<?>) || !(element instanceof Map<?, ?> fields)) {
                throw new BadFileException(
                        file,
                        "a list of JSON objects was expected, found " + shown(document) + ". Get the file again.");
            }
            parts.add(new JsonPart(file, "[" + parts.size() + "]", named(fields)));
        }
        return parts;
    }

    private static @Nullable Object document(Path file) throws IOException {
        long bytes = Files.size(file);
        if (bytes > MAX_BYTES) {
            throw new BadFileException(
                    file,
                    "a JSON file of at most " + MAX_BYTES + " bytes was expected, it has " + bytes
                            + ". It is not the file it should be.");
        }
        try (Reader text = Files.newBufferedReader(file)) { // by bytes, names with escaped characters are not read
            return MAPPER.readValue(text, Object.class);
        } catch (JacksonException e) {
            throw new BadFileException(
                    file,
                    "is not a JSON object: " + Problems.ofJson(e.getOriginalMessage()) + ". Get the file again.",
                    e);
        } catch (CharacterCodingException e) {
            throw new BadFileException(file, "is not text in UTF-8: " + e.getMessage() + ". Get the file again.", e);
        }
    }

    /** Reads a file that may be missing. */
    static @Nullable JsonPart readIfPresent(Path file) throws IOException {
        if (!Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
            return null;
        }
        if (!Files.isRegularFile(file)) {
            throw new BadFileException(
                    file,
                    "a JSON file may be here, and this is " + (Files.isDirectory(file) ? "a directory" : "no file")
                            + ". Remove it, or put the file here.");
        }
        return read(file);
    }

    /** JSON on one line. */
    static String print(Map<String, Object> value) throws IOException {
        return MAPPER.writeValueAsString(value);
    }

    /** The names of a JSON object are texts. */
    @SuppressWarnings("unchecked")
    private static Map<String, Object> named(Map<?, ?> fields) {
        return (Map<String, Object>) fields;
    }

    /** An error in this part: what was expected or found, and what to do about it. */
    BadFileException bad(String problem) {
        return new BadFileException(file, place.isEmpty() ? problem : place + ": " + problem);
    }

    private BadFileException unexpected(String name, String expected) {
        return new BadFileException(
                file,
                at(name) + ": " + expected + " was expected, found " + shown(fields.get(name))
                        + ". Save the tokenizer again, or correct the field.");
    }

    private String at(String name) {
        return place.isEmpty() ? name : place + "." + name;
    }

    /** A value in a message: its beginning. */
    static String shown(@Nullable Object value) {
        if (value instanceof Map<?, ?> m) {
            return "an object of " + m.size() + " fields";
        }
        if (value instanceof List<?> l && l.size() > 4) {
            return "a list of " + l.size();
        }
        String text = value instanceof String ? "\"" + value + '"' : String.valueOf(value);
        return text.length() <= 60 ? text : text.substring(0, 57) + "...";
    }

    /** Names of the fields, which are checked to be whole texts. */
    Set<String> names() throws BadFileException {
        for (String name : fields.keySet()) {
            if (!isWhole(name)) {
                throw bad("the name " + shown(name) + " has half of a surrogate pair. Get the file again.");
            }
        }
        return fields.keySet();
    }

    /** Whether a field is there and not null. */
    boolean has(String name) {
        return fields.get(name) != null;
    }

    /** A text of whole characters. */
    String text(String name) throws BadFileException {
        if (fields.get(name) instanceof String s && isWhole(s)) {
            return s;
        }
        throw unexpected(name, "a text");
    }

    /** A text, or null. */
    @Nullable
    String textOrNull(String name) throws BadFileException {
        return has(name) ? text(name) : null;
    }

    /** One of some words. */
    String word(String name, List<String> words) throws BadFileException {
        if (fields.get(name) instanceof String s && words.contains(s)) {
            return s;
        }
        throw unexpected(name, "one of " + words);
    }

    /** A text of exactly one character. */
    String character(String name) throws BadFileException {
        String s = text(name);
        if (s.codePointCount(0, s.length()) != 1) {
            throw unexpected(name, "one character");
        }
        return s;
    }

    boolean flag(String name) throws BadFileException {
        if (fields.get(name) instanceof Boolean b) {
            return b;
        }
        throw unexpected(name, "true or false");
    }

    boolean flag(String name, boolean otherwise) throws BadFileException {
        return has(name) ? flag(name) : otherwise;
    }

    /** A whole number in a range. */
    int whole(String name, int least, int most) throws BadFileException {
        if (fields.get(name) instanceof Integer i && i >= least && i <= most) {
            return i;
        }
        throw unexpected(name, "a whole number from " + least + " to " + most);
    }

    List<?> list(String name) throws BadFileException {
        if (fields.get(name) instanceof List<?> l) {
            return l;
        }
        throw unexpected(name, "a list");
    }

    JsonPart object(String name) throws BadFileException {
        if (fields.get(name) instanceof Map<?, ?> m) {
            return new JsonPart(file, at(name), named(m));
        }
        throw unexpected(name, "an object");
    }

    @Nullable
    JsonPart objectOrNull(String name) throws BadFileException {
        return has(name) ? object(name) : null;
    }

    /** An element of a list of objects. */
    JsonPart element(String name, int index) throws BadFileException {
        String where = at(name) + "[" + index + "]";
        Object element = list(name).get(index);
        if (element instanceof Map<?, ?> m) {
            return new JsonPart(file, where, named(m));
        }
        throw new BadFileException(
                file, where + ": an object was expected, found " + shown(element) + ". Save the tokenizer again.");
    }

    /** Whether a text has no half of a surrogate pair, which has no bytes in UTF-8. */
    static boolean isWhole(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (Character.isHighSurrogate(c)) {
                if (++i == text.length() || !Character.isLowSurrogate(text.charAt(i))) {
                    return false;
                }
            } else if (Character.isLowSurrogate(c)) {
                return false;
            }
        }
        return true;
    }
}
