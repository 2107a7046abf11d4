package dev.peft4j.core.format;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.JsonParseException;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.peft4j.core.error.BadFileException;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Small JSON files as maps, by the rules of Python, whose programs write them: of two values for a key the last counts. */
public final class Json {
    private static final long MAX_BYTES = 64 << 20;
    private static final JsonMapper MAPPER = JsonMapper.builder()
            .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS) // NaN and Infinity, as Python
            .disable(JsonWriteFeature.WRITE_NAN_AS_STRINGS)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS)
            .defaultPrettyPrinter(new DefaultPrettyPrinter()
                    .withObjectIndenter(new DefaultIndenter("  ", "\n"))
                    .withArrayIndenter(new DefaultIndenter("  ", "\n")))
            .build();
    private static final Set<String> INFINITE = Set.of("Infinity", "-Infinity");

    private Json() {}

    /**
     * Reads a JSON object; the order of keys is kept.
     *
     * @throws BadFileException if there is no file, or no JSON object in it
     */
    public static Map<String, Object> read(Path path) throws IOException {
        if (!Files.isRegularFile(path)) {
            throw new BadFileException(path, "this file was expected and is not there. Check the directory.");
        }
        if (Files.size(path) > MAX_BYTES) {
            throw new BadFileException(
                    path,
                    "a JSON file of at most " + MAX_BYTES + " bytes was expected, it has " + Files.size(path)
                            + ". It is not the file it should be.");
        }
        try {
            return parse(Files.readString(path));
        } catch (JacksonException e) {
            throw new BadFileException(path, "is not a JSON object: " + problem(e) + ". Get the file again.", e);
        } catch (CharacterCodingException e) {
            throw new BadFileException(path, "is not a JSON object: its text is not UTF-8. Get the file again.", e);
        } catch (FileSystemException e) {
            throw new BadFileException(
                    path, "a JSON file was to be read: " + Problems.of(e) + ". Check the file and its rights.", e);
        }
    }

    /** What is wrong, without the list of what could be right. */
    private static String problem(JacksonException e) {
        return Problems.ofJson(e.getOriginalMessage());
    }

    /**
     * Reads a JSON object from a text that a file has within it.
     *
     * @throws BadFileException if it is none
     */
    public static Map<String, Object> parse(Path file, String text) throws IOException {
        try {
            return parse(text);
        } catch (JacksonException e) {
            throw new BadFileException(
                    file, "has a note that is not a JSON object: " + problem(e) + ". Get the file again.", e);
        }
    }

    /** Reads a JSON object from a text. */
    public static Map<String, Object> parse(String text) throws IOException {
        requireNumbersOfPython(text);
        return requireObject(MAPPER.readValue(text, Object.class));
    }

    /** Jackson has more words for infinity. */
    private static void requireNumbersOfPython(String text) throws IOException {
        try (JsonParser parser = MAPPER.createParser(text)) {
            for (JsonToken token = parser.nextToken(); token != null; token = parser.nextToken()) {
                String number = token == JsonToken.VALUE_NUMBER_FLOAT ? parser.getText() : "";
                if ((number.endsWith("INF") || number.endsWith("Infinity")) && !INFINITE.contains(number)) {
                    throw new JsonParseException(parser, "the number " + number);
                }
            }
        }
    }

    private static Map<String, Object> requireObject(@Nullable Object document) throws JacksonException {
        if (document instanceof Map<?, ?> fields) {
            Map<String, Object> named = new LinkedHashMap<>();
            fields.forEach((name, value) -> named.put(String.valueOf(name), value));
            return named;
        }
        String found = document == null
                ? "nothing"
                : document instanceof List<?>
                        ? "a list"
                        : document instanceof String
                                ? "a text"
                                : document.getClass() == Boolean.class ? "a truth value" : "a number";
        throw new JsonParseException(null, "the document is " + found);
    }

    /** A value as indented JSON with sorted keys. */
    public static String print(Object value) throws IOException {
        return MAPPER.writerWithDefaultPrettyPrinter().writeValueAsString(value);
    }

    /** A value as JSON on one line with sorted keys. */
    public static String printLine(Object value) throws IOException {
        return MAPPER.writeValueAsString(value);
    }
}
