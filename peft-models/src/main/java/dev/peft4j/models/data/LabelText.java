package dev.peft4j.models.data;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** What the text of a label says: one class, several, or numbers. */
final class LabelText {
    private static final Pattern SEPARATOR = Pattern.compile("\\s*,\\s*|\\s+");
    private static final Pattern NUMBER = Pattern.compile("-?(?:0|[1-9][0-9]*)(?:[.][0-9]*)?(?:[eE][+-]?[0-9]+)?");
    private static final int LONGEST_NUMBER = 40; // characters
    private static final JsonFactory JSON = new JsonFactory();

    private LabelText() {}

    private static boolean isMissing(TextRecord record) {
        String label = record.label();
        return label == null || label.isBlank();
    }

    /**
     * Makes sure that all records have a label, or none has.
     *
     * @throws dev.peft4j.core.error.BadInputException with file and line of the first without one
     */
    static void requireEach(List<TextRecord> records) {
        TextRecord without =
                records.stream().filter(LabelText::isMissing).findFirst().orElse(null);
        if (without != null && !records.stream().allMatch(LabelText::isMissing)) {
            throw without.error("the record has no label, and others of these " + records.size()
                    + " have one. Add it, or take the record out.");
        }
    }

    /** The label of a record without white space around it. */
    static String of(TextRecord record) {
        String label = record.label();
        if (label == null || label.isBlank()) {
            throw record.error("the record has no label, and this model classifies. Name the column of the label"
                    + " (--label-column; in Java withLabel).");
        }
        return label.strip();
    }

    /**
     * The labels of a record: the entries of a JSON list as they are, or what stands between commas or spaces.
     *
     * @throws dev.peft4j.core.error.BadInputException with file and line, if there are none, one is empty, the entry of a list is no text, number or truth value, or a
     *     list has quotes and is no JSON
     */
    static List<String> parts(TextRecord record) {
        String label = of(record);
        boolean list = label.startsWith("[") && label.endsWith("]");
        List<String> entries = list ? entries(record, label) : null;
        List<String> parts = entries == null ? split(label, list) : entries;
        if (list && entries == null && parts.stream().anyMatch(LabelText::isQuoted)) {
            throw record.error(
                    "the labels " + JsonLine.shorten(label) + " are a list with quotes as Python prints it, and"
                            + " JSON was expected. Write it as JSON, such as [\"machine learning\", \"nlp\"].");
        }
        int empty = parts.indexOf("");
        if (empty >= 0) {
            throw record.error("the labels " + JsonLine.shorten(label) + " have an empty one at place " + (empty + 1)
                    + ", which is no label. Give it a text, or take it out.");
        }
        return parts;
    }

    /** Whether a quote of a text is left in what stands between commas or spaces. */
    private static boolean isQuoted(String part) {
        return part.startsWith("'") || part.endsWith("'") || part.startsWith("\"") || part.endsWith("\"");
    }

    /** What stands between commas or spaces, also if brackets are around it that are no JSON. */
    private static List<String> split(String label, boolean list) {
        String inner = list ? label.substring(1, label.length() - 1).strip() : label;
        List<String> parts = new ArrayList<>();
        for (String part : inner.isEmpty() ? List.<String>of() : List.of(SEPARATOR.split(inner, -1))) {
            boolean quoted = list && part.length() > 1 && part.startsWith("\"") && part.endsWith("\"");
            parts.add(quoted ? part.substring(1, part.length() - 1) : part);
        }
        return parts;
    }

    /** The entries of a JSON list, or null if it is none. */
    private static @Nullable List<String> entries(TextRecord record, String label) {
        List<String> entries = new ArrayList<>();
        int wrong = 0; // place of the first entry that is no label
        try (JsonParser parser = JSON.createParser(label)) {
            parser.nextToken();
            int place = 0;
            for (JsonToken t = parser.nextToken(); t != JsonToken.END_ARRAY; t = parser.nextToken()) {
                if (t == null) {
                    return null;
                }
                place++;
                boolean isLabel = t.isScalarValue() && t != JsonToken.VALUE_NULL;
                wrong = isLabel || wrong > 0 ? wrong : place;
                entries.add(parser.getText());
                parser.skipChildren();
            }
            if (parser.nextToken() != null) {
                return null;
            }
        } catch (JacksonException e) {
            return null;
        } catch (IOException e) {
            throw new AssertionError("a text is read without a file", e);
        }
        if (wrong > 0) {
            throw record.error(
                    "the list of labels " + JsonLine.shorten(label) + " has at place " + wrong
                            + " what is neither a text nor a number. Correct it; a list within the list, an object and null are no labels.");
        }
        return entries;
    }

    /** A number, or null. */
    static @Nullable BigDecimal number(String text) {
        if (text.length() > LONGEST_NUMBER) {
            return null;
        }
        try {
            return new BigDecimal(text);
        } catch (NumberFormatException e) {
            return null;
        }
    }

    /** A whole number that an int can hold, also with zeros behind a point; null for other texts, such as {@code 01} and {@code +1}, which are names. */
    static @Nullable Integer whole(String text) {
        BigDecimal n = text.length() <= LONGEST_NUMBER && NUMBER.matcher(text).matches() ? number(text) : null;
        try {
            return n == null ? null : n.intValueExact();
        } catch (ArithmeticException e) {
            return null;
        }
    }
}
