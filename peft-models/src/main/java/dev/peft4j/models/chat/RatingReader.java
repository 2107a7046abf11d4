package dev.peft4j.models.chat;

import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.models.data.JsonRecord;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * Reads rated answers from JSONL (or {@code .parquet} where peft-parquet is on the class path) in the form of TRL: {@code {"prompt": .., "completion": .., "label": true}} on each line, with prompt and completion as texts or as
 * lists of messages. A line with {@code chosen} and {@code rejected}, as {@link PreferenceReader} reads it, is two ratings.
 */
public final class RatingReader {
    private static final String PROMPT = "prompt";
    private static final String COMPLETION = "completion";
    private static final String LABEL = "label";

    private RatingReader() {}

    /**
     * Reads all ratings of a file.
     *
     * @throws BadFileException with the line, if a record has no prompt, completion or label, or its label is neither true nor false; if the file is missing or has
     *     none
     * @throws BadInputException with the line, if an answer is empty or the messages of a prompt are out of order
     */
    public static List<Rating> read(Path file) throws IOException {
        return read(file, Integer.MAX_VALUE);
    }

    /**
     * Reads the ratings of at most so many lines of a file.
     *
     * @throws BadFileException as {@link #read(Path)}
     * @throws BadInputException as {@link #read(Path)}
     */
    public static List<Rating> read(Path file, int limit) throws IOException {
        return JsonRecord.readAll(file, limit, RatingReader::ratings).stream()
                .flatMap(List::stream)
                .toList();
    }

    private static List<Rating> ratings(JsonRecord record) throws BadFileException {
        boolean pair = PreferenceReader.isPreference(record);
        boolean rated =
                record.fields().get(COMPLETION) != null || record.fields().get(LABEL) != null;
        if (pair && rated) {
            throw record.bad("has answers of two forms: its keys are "
                    + record.fields().keySet() + ", and " + COMPLETION + " and " + LABEL
                    + ", or chosen and rejected, were expected. Remove one of both.");
        }
        return pair ? Rating.of(PreferenceReader.preference(record)) : List.of(rating(record));
    }

    private static Rating rating(JsonRecord record) throws BadFileException {
        for (String key : List.of(PROMPT, COMPLETION, LABEL)) {
            if (record.fields().get(key) == null) {
                throw MessageFields.missing(
                        record, key, "a rating has " + PROMPT + ", " + COMPLETION + " and " + LABEL);
            }
        }
        if (!(record.fields().get(LABEL) instanceof Boolean good)) {
            throw record.bad("has " + JsonRecord.shown(record.fields().get(LABEL)) + " as \"" + LABEL
                    + "\", which is to be true for an answer that is wanted, or false. Correct it.");
        }
        boolean answers = record.fields().get(COMPLETION) instanceof List<?>;
        String completion = answers ? answer(record) : MessageFields.text(record, COMPLETION);
        if (record.fields().get(PROMPT) instanceof List<?>) {
            return new Rating(MessageFields.PLAIN.read(record, PROMPT), "", completion, good, record.place());
        }
        String prompt = MessageFields.text(record, PROMPT);
        return answers
                ? new Rating(List.of(ChatMessage.user(prompt)), "", completion, good, record.place())
                : new Rating(List.of(), prompt, completion, good, record.place());
    }

    private static String answer(JsonRecord record) throws BadFileException {
        List<ChatMessage> messages = MessageFields.PLAIN.read(record, COMPLETION);
        if (messages.size() != 1 || !messages.get(0).isAnswer()) {
            throw record.bad("has " + messages.size() + " messages as \"" + COMPLETION
                    + "\", and one of the assistant was expected. Put what stands in front of it into the prompt.");
        }
        return messages.get(0).content();
    }
}
