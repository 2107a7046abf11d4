package dev.peft4j.models.data;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.cfg.JsonNodeFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.error.StoppedException;
import dev.peft4j.core.format.Problems;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A JSON object on a line of its own, or a row of another kind of file. Lines end in any of the three usual ways.
 *
 * @param file it is in
 * @param line it is, or row, from 1
 * @param node the object
 */
record JsonLine(Path file, int line, JsonNode node) {
    private static final int MAX_LINE = 16 << 20;
    private static final int SHOWN = 40;
    private static final JsonMapper JSON = JsonMapper.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .disable(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES)
            .build();

    /** What makes a record of a line. */
    @FunctionalInterface
    interface Format<T> {
        T record(JsonLine line) throws IOException;
    }

    /** At most so many records of a text. */
    static <T> List<T> readAll(Path file, BufferedReader reader, int limit, Format<T> format) throws IOException {
        List<T> records = new ArrayList<>();
        StringBuilder text = new StringBuilder();
        int line = 0;
        int c;
        do {
            text.setLength(0);
            line++;
            while ((c = reader.read()) >= 0 && c != '\n' && c != '\r') {
                text.append((char) c);
                if (text.length() > MAX_LINE) {
                    throw bad(file, line, "has more than " + MAX_LINE + " characters. Split the record.", null);
                }
            }
            if (c == '\r') {
                reader.mark(1);
                if (reader.read() != '\n') {
                    reader.reset();
                }
            }
            if (!text.toString().isBlank()) {
                StoppedException.ifInterrupted(() -> file + " was to be read");
                records.add(format.record(new JsonLine(file, line, object(file, line, text.toString()))));
            }
        } while (c >= 0 && records.size() < limit);
        return records;
    }

    /** A row of a file that is no text, as an object. Decimals keep their digits. */
    static JsonLine ofRow(Path file, int row, Map<String, @Nullable Object> fields) {
        return new JsonLine(file, row, JSON.valueToTree(fields));
    }

    private static JsonNode object(Path file, int line, String text) throws IOException {
        JsonNode node = parse(file, line, text);
        if (!node.isObject()) {
            throw bad(file, line, "is no JSON object but " + shorten(text) + ". Correct the line.", null);
        }
        return node;
    }

    private static JsonNode parse(Path file, int line, String text) throws IOException {
        try (JsonParser parser = JSON.createParser(text)) {
            JsonNode node = parser.readValueAsTree();
            if (hasMore(parser)) {
                throw bad(
                        file,
                        line,
                        "has more behind its first JSON value, which would be lost. Give each record a line of its own.",
                        null);
            }
            return node;
        } catch (JacksonException e) {
            throw bad(file, line, "is not JSON: " + Problems.ofJson(e.getOriginalMessage()) + ". Correct the line.", e);
        }
    }

    private static boolean hasMore(JsonParser parser) throws IOException {
        try {
            return parser.nextToken() != null;
        } catch (JacksonException e) {
            return true;
        }
    }

    /** The object as a map. */
    Map<String, @Nullable Object> fields() {
        return JSON.convertValue(node, new TypeReference<LinkedHashMap<String, @Nullable Object>>() {});
    }

    /** File and line, for messages. */
    String place() {
        return file + ", " + where();
    }

    /** The line, for messages. */
    String where() {
        return where(file, line);
    }

    /** What is counted in a file is a line, or a row where it is no text. */
    static String where(Path file, int line) {
        return (DataFile.plainName(file).endsWith(".jsonl") ? "line " : "row ") + line;
    }

    /** An error of this line. */
    BadFileException bad(String problem) {
        return bad(file, line, problem, null);
    }

    /** A value as JSON. */
    static String print(@Nullable Object value) {
        return JSON.valueToTree(value).toString();
    }

    /** The beginning of a text, for messages. */
    static String shorten(String text) {
        return text.length() <= SHOWN ? text : text.substring(0, SHOWN) + "...";
    }

    private static BadFileException bad(Path file, int line, String problem, @Nullable Exception cause) {
        String text = where(file, line) + " " + problem;
        return cause == null ? new BadFileException(file, text) : new BadFileException(file, text, cause);
    }
}
