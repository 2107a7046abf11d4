package dev.peft4j.models.data;

import dev.peft4j.core.format.Json;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * An answer as a part of a text.
 *
 * @param from its first character; -1 if there is no answer
 * @param to behind its last character
 */
record Answer(int from, int to) {
    private static final Answer NONE = new Answer(-1, -1);
    private static final int SHOWN = 80; // characters of a message

    boolean isNone() {
        return from < 0;
    }

    /**
     * The answer of a record: its words, of which the first place in the text is meant; or JSON with {@code text} and {@code answer_start}, lists of them as in SQuAD
     * or single ones. None if the record has none.
     *
     * @throws dev.peft4j.core.error.BadInputException with file and line, if the text does not have it
     */
    static Answer of(TextRecord record) {
        String label = record.label();
        if (label == null || label.isBlank()) {
            return NONE;
        }
        if (!label.stripLeading().startsWith("{")) {
            return at(record, label.strip(), record.text().indexOf(label.strip()));
        }
        Map<String, Object> json;
        try {
            json = Json.parse(label);
        } catch (IOException e) {
            throw record.error("the answer " + shortened(label)
                    + " is no JSON. Give the words of the answer, or text and answer_start.");
        }
        Object text = first(json.get("text"));
        Object start = first(json.containsKey("answer_start") ? json.get("answer_start") : json.get("start"));
        if (text == null) {
            return NONE;
        }
        if (!(text instanceof String words) || (start != null && !(start instanceof Integer))) {
            throw record.error("the answer " + shortened(label)
                    + " was found where text and answer_start were expected. Correct the record.");
        }
        return at(
                record,
                words,
                start instanceof Integer i ? place(record, i) : record.text().indexOf(words));
    }

    /** The words of all answers of a record; empty if it has none. */
    static List<String> texts(TextRecord record) {
        Answer first = of(record);
        if (first.isNone()) {
            return List.of();
        }
        String label = String.valueOf(record.label());
        if (label.stripLeading().startsWith("{")) {
            try {
                if (Json.parse(label).get("text") instanceof List<?> all) {
                    return all.stream()
                            .filter(t -> t instanceof String s && !s.isEmpty())
                            .map(String::valueOf)
                            .distinct()
                            .toList();
                }
            } catch (IOException e) {
                throw new AssertionError("it was read before", e);
            }
        }
        return List.of(record.text().substring(first.from, first.to));
    }

    /** Characters are counted as Python does, in which one outside of the first plane is one. */
    private static int place(TextRecord record, int start) {
        String text = record.text();
        return start < 0 || start > text.codePointCount(0, text.length())
                ? text.length()
                : text.offsetByCodePoints(0, start);
    }

    private static String shortened(String text) {
        return text.length() <= SHOWN ? text : text.substring(0, SHOWN) + "...";
    }

    private static @Nullable Object first(@Nullable Object value) {
        return value instanceof List<?> list ? (list.isEmpty() ? null : list.get(0)) : value;
    }

    private static Answer at(TextRecord record, String words, int from) {
        if (words.isEmpty()) {
            return NONE;
        }
        if (from < 0 || !record.text().startsWith(words, from)) {
            throw record.error(
                    "the answer \"" + shortened(words) + "\" was given" + (from < 0 ? "" : " at character " + from)
                            + ", and the text does not have it there. Correct the answer, or leave it empty where there is none.");
        }
        return new Answer(from, from + words.length());
    }
}
