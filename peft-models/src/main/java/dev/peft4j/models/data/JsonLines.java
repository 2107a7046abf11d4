package dev.peft4j.models.data;

import com.fasterxml.jackson.databind.JsonNode;
import dev.peft4j.core.error.BadFileException;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Records of which each is a JSON object on a line of its own.
 */
final class JsonLines {
    private static final Set<String> WORDS = Set.of("tokens", "words");

    private final Path file; // for messages
    private final RecordReader settings; // names of the keys
    private List<String> names = List.of(); // of the record before, which mostly are those of the next
    private RecordReader.Columns columns = new RecordReader.Columns("", "", "");

    JsonLines(Path file, RecordReader settings) {
        this.file = file;
        this.settings = settings;
    }

    List<TextRecord> read(BufferedReader reader, int limit) throws IOException {
        return JsonLine.readAll(file, reader, limit, this::record);
    }

    /** The same of a file whose rows are the objects. */
    List<TextRecord> readRows(int limit) throws IOException {
        return RowFiles.readAll(file, limit, (row, fields) -> record(JsonLine.ofRow(file, row, fields)));
    }

    private TextRecord record(JsonLine read) throws IOException {
        List<String> found = new ArrayList<>();
        read.node().fieldNames().forEachRemaining(found::add);
        if (names.isEmpty() || !found.equals(names)) {
            columns = choose(read, found);
            names = found;
        }
        String prompt = columns.prompt().isEmpty() ? "" : text(read, columns.prompt());
        if (!settings.promptColumn().isEmpty()) {
            prompt += settings.separator();
        }
        String label = columns.label().isEmpty() ? null : label(read, columns.label());
        return new TextRecord(prompt, text(read, columns.text()), label, read.place());
    }

    private RecordReader.Columns choose(JsonLine read, List<String> found) throws BadFileException {
        RecordReader.Columns chosen = settings.choose(file, read.where() + " ", found);
        if (!settings.isNamed()) {
            List<String> unread = new ArrayList<>(found);
            unread.removeAll(List.of(chosen.prompt(), chosen.text(), chosen.label()));
            if (!unread.isEmpty()) {
                throw read.bad(settings.unread(unread, chosen));
            }
        }
        return chosen;
    }

    private String text(JsonLine read, String name) throws BadFileException {
        JsonNode value = read.node().get(name);
        if (value.isTextual()) {
            return value.asText();
        }
        if (value.isArray() && (settings.isNamed() || WORDS.contains(name))) {
            return words(read, value, name);
        }
        throw read.bad(
                "has " + JsonLine.shorten(value.toString()) + " as \"" + name + "\", which is no text. Correct it.");
    }

    /** Words, as a text with spaces between them. */
    private static String words(JsonLine read, JsonNode list, String name) throws BadFileException {
        List<String> words = new ArrayList<>();
        for (JsonNode word : list) {
            if (!word.isTextual()
                    || word.asText().isEmpty()
                    || word.asText().chars().anyMatch(Character::isWhitespace)) {
                throw read.bad("has " + JsonLine.shorten(word.toString()) + " in \"" + name
                        + "\", where words without white space were expected. Correct it.");
            }
            words.add(word.asText());
        }
        return String.join(" ", words);
    }

    /** A text or truth value as it is written, a number as {@link #number} says, a list or object as JSON. */
    private @Nullable String label(JsonLine read, String name) throws BadFileException {
        JsonNode value = read.node().get(name);
        if (value.isNull()) {
            return null;
        }
        if (value.isNumber()) {
            return number(value);
        }
        if (value.isTextual() || value.isBoolean()) {
            return value.asText();
        }
        if (value.isArray()) {
            List<String> entries = new ArrayList<>();
            value.forEach(entry -> entries.add(entry.isNumber() ? number(entry) : entry.toString()));
            return "[" + String.join(",", entries) + "]";
        }
        if (value.isObject() && (settings.isNamed() || name.startsWith("answer"))) {
            return value.toString();
        }
        throw read.bad("has " + JsonLine.shorten(value.toString()) + " as \"" + name
                + "\", which is neither a class nor a number nor a list of these. Correct it.");
    }

    /**
     * A number: {@code 1} also where {@code 1.0} is written, for a program that has only one kind of numbers writes so. A decimal number, which only rows of files that are
     * no text have, keeps its digits.
     */
    private static String number(JsonNode value) {
        if (value.isBigDecimal()) {
            return value.decimalValue().toPlainString();
        }
        double d = value.doubleValue();
        return value.isFloatingPointNumber() && d == Math.rint(d) && Math.abs(d) <= Integer.MAX_VALUE
                ? String.valueOf((long) d)
                : value.asText();
    }
}
