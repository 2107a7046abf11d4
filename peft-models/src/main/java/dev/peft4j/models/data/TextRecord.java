package dev.peft4j.models.data;

import dev.peft4j.core.error.BadInputException;
import org.jspecify.annotations.Nullable;

/**
 * One record of a data file: texts, or an image.
 *
 * @param prompt text that is read but not scored; empty for none
 * @param text what is learnt: the completion, or the text to classify; of an image where it is
 * @param label of the text as it is written in the file: a class, a number, or a JSON list of several; null for none. {@link Labels} says what it means
 * @param place file and line for messages; empty if it is from no file
 * @param image null of texts
 */
public record TextRecord(
        String prompt, String text, @Nullable String label, String place, @Nullable RecordImage image) {
    /** A record of texts. */
    public TextRecord(String prompt, String text, @Nullable String label, String place) {
        this(prompt, text, label, place, null);
    }

    /** A record that is from no file. */
    public TextRecord(String prompt, String text, @Nullable String label) {
        this(prompt, text, label, "");
    }

    /** Where the first of some records is, behind what is said of all of them. */
    String firstPlace() {
        return place.isEmpty() ? "" : ", the first in " + place;
    }

    /** An error of this record. */
    IllegalArgumentException error(String problem) {
        return new BadInputException(place.isEmpty() ? problem : place + ": " + problem);
    }
}
