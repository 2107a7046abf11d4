package dev.peft4j.models.data;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.util.List;

/** Whether the labels of records are JSON lists: then a record has several, or none. */
final class LabelLists {
    private static final JsonFactory JSON = new JsonFactory();

    private LabelLists() {}

    /**
     * Whether all records that have a label have a list.
     *
     * @throws dev.peft4j.core.error.BadInputException with file and line, if some have a list and others a single label
     */
    static boolean areLists(List<TextRecord> records) {
        TextRecord first = null;
        boolean lists = false;
        for (TextRecord record : records) {
            String label = record.label();
            if (label == null || label.isBlank()) {
                continue;
            }
            boolean list = isList(label);
            if (first == null) {
                first = record;
                lists = list;
            } else if (list != lists) {
                throw record.error("the label " + JsonLine.shorten(label.strip()) + " is "
                        + (list ? "a list" : "no list") + ", and those of records before it, such as "
                        + JsonLine.shorten(String.valueOf(first.label()).strip()) + ", are "
                        + (lists ? "lists" : "none")
                        + ". Give each record a list, of one label or of none where it has no more, or none of them.");
            }
        }
        return lists;
    }

    /**
     * Makes sure that no record has a list where one class is predicted, unless the list is the name of a class.
     *
     * @param names of the classes
     * @throws dev.peft4j.core.error.BadInputException with file and line, if one has
     */
    static void requireNone(List<TextRecord> records, List<String> names) {
        for (TextRecord record : records) {
            String label = record.label();
            if (label != null && isList(label) && !names.contains(label.strip())) {
                throw record.error(
                        "the label " + JsonLine.shorten(label.strip())
                                + " is a list, and the checkpoint or the adapter predicts one class of a text. Give a single"
                                + " label, or train a new adapter on a checkpoint whose config.json says nothing else by problem_type.");
            }
        }
    }

    private static boolean isList(String text) {
        String label = text.strip();
        if (!label.startsWith("[") || !label.endsWith("]")) {
            return false;
        }
        try (JsonParser parser = JSON.createParser(label)) {
            if (parser.nextToken() != JsonToken.START_ARRAY) {
                return false;
            }
            parser.skipChildren();
            return parser.currentToken() == JsonToken.END_ARRAY && parser.nextToken() == null;
        } catch (JacksonException e) {
            return false;
        } catch (IOException e) {
            throw new AssertionError("a text is read without a file", e);
        }
    }
}
