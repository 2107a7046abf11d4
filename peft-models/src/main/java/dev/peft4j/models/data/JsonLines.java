package dev.peft4j.models.data;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.error.StoppedException;
import dev.peft4j.core.format.Problems;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One JSON object on each line. Lines end in any of the three usual ways.
 *
 * @param file for messages
 * @param settings names of the keys
 */
record JsonLines(Path file, RecordReader settings) {
    private static final int MAX_LINE = 16 << 20;
    private static final JsonMapper JSON = JsonMapper.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .build();

    List<TextRecord> read(BufferedReader reader, int limit) throws IOException {
        List<TextRecord> records = new ArrayList<>();
        StringBuilder text = new StringBuilder();
        int line = 0;
        int c;
        do {
            text.setLength(0);
            line++;
            while ((c = reader.read()) >= 0 && c != '\n' && c != '\r') {
                text.append((char) c);
                if (text.length() > MAX_LINE) {
                    throw bad(line, "has more than " + MAX_LINE + " characters. Split the record.", null);
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
                records.add(record(line, text.toString()));
            }
        } while (c >= 0 && records.size() < limit);
        return records;
    }

    private TextRecord record(int line, String text) throws IOException {
        JsonNode node = parse(line, text);
        if (!node.isObject()) {
            throw bad(line, "is no JSON object but " + shorten(text) + ". Correct the line.", null);
        }
        List<String> names = new ArrayList<>();
        node.fieldNames().forEachRemaining(names::add);
        RecordReader.Columns columns = settings.choose(file, "line " + line + " ", names);
        if (!settings.isNamed()) {
            List<String> unread = new ArrayList<>(names);
            unread.removeAll(List.of(columns.prompt(), columns.text(), columns.label()));
            if (!unread.isEmpty()) {
                throw bad(
                        line,
                        "has " + unread + ", which no record for training has. Remove them, or name the keys that are"
                                + " meant (--text-column " + columns.text() + " ...), so that others are left out.",
                        null);
            }
        }
        String prompt = columns.prompt().isEmpty() ? "" : text(line, node, columns.prompt());
        if (!settings.promptColumn().isEmpty()) {
            prompt += settings.separator();
        }
        String label = columns.label().isEmpty() ? null : label(line, node.get(columns.label()), columns.label());
        return new TextRecord(prompt, text(line, node, columns.text()), label, place(line));
    }

    private JsonNode parse(int line, String text) throws IOException {
        try (JsonParser parser = JSON.createParser(text)) {
            JsonNode node = parser.readValueAsTree();
            if (hasMore(parser)) {
                throw bad(
                        line,
                        "has more behind its first JSON value, which would be lost. Give each record a line of its own.",
                        null);
            }
            return node;
        } catch (JacksonException e) {
            throw bad(line, "is not JSON: " + Problems.ofJson(e.getOriginalMessage()) + ". Correct the line.", e);
        }
    }

    private static boolean hasMore(JsonParser parser) throws IOException {
        try {
            return parser.nextToken() != null;
        } catch (JacksonException e) {
            return true;
        }
    }

    private String text(int line, JsonNode node, String name) throws BadFileException {
        JsonNode value = node.get(name);
        if (value.isTextual()) {
            return value.asText();
        }
        throw bad(
                line, "has " + shorten(value.toString()) + " as \"" + name + "\", which is no text. Correct it.", null);
    }

    /** A text, number or truth value as it is written, a list as JSON. */
    private @Nullable String label(int line, JsonNode value, String name) throws BadFileException {
        if (value.isNull()) {
            return null;
        }
        if (value.isTextual() || value.isNumber() || value.isBoolean()) {
            return value.asText();
        }
        if (value.isArray()) {
            return value.toString();
        }
        throw bad(
                line,
                "has " + shorten(value.toString()) + " as \"" + name
                        + "\", which is neither a class nor a number nor a list of these. Correct it.",
                null);
    }

    private static String shorten(String text) {
        return text.length() <= 40 ? text : text.substring(0, 40) + "...";
    }

    private String place(int line) {
        return file + ", line " + line;
    }

    private BadFileException bad(int line, String problem, @Nullable Exception cause) {
        String text = "line " + line + " " + problem;
        return cause == null ? new BadFileException(file, text) : new BadFileException(file, text, cause);
    }
}
