package dev.peft4j.models.chat;

import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.models.data.JsonRecord;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * Reads preferences from JSONL in the forms of TRL: {@code {"prompt": .., "chosen": .., "rejected": ..}} on each line, of texts or of lists of messages. Answers
 * that are lists may repeat the messages of the prompt, which may then be missing or be the text of one of them.
 */
public final class PreferenceReader {
    private static final String PROMPT = "prompt";
    private static final String CHOSEN = "chosen";
    private static final String REJECTED = "rejected";

    private PreferenceReader() {}

    /**
     * Reads all preferences of a file.
     *
     * @throws BadFileException with the line, if a record has no prompt or no two answers; if the file is missing or has none
     * @throws BadInputException with the line, if both answers are the same or the messages of a prompt are out of order
     */
    public static List<Preference> read(Path file) throws IOException {
        return read(file, Integer.MAX_VALUE);
    }

    /**
     * Reads at most so many preferences of a file.
     *
     * @throws BadFileException as {@link #read(Path)}
     * @throws BadInputException as {@link #read(Path)}
     */
    public static List<Preference> read(Path file, int limit) throws IOException {
        return JsonRecord.readAll(file, limit, PreferenceReader::preference);
    }

    /** Whether a record has two answers. */
    static boolean isPreference(JsonRecord record) {
        return record.fields().get(CHOSEN) != null || record.fields().get(REJECTED) != null;
    }

    /** What a record says. */
    static Preference preference(JsonRecord record) throws BadFileException {
        for (String key : List.of(CHOSEN, REJECTED)) {
            if (record.fields().get(key) == null) {
                throw missing(record, key);
            }
        }
        Object prompt = record.fields().get(PROMPT);
        boolean lists = record.fields().get(CHOSEN) instanceof List<?>;
        if (lists != record.fields().get(REJECTED) instanceof List<?>) {
            throw record.bad("has a list of messages and a text as \"" + CHOSEN + "\" and \"" + REJECTED
                    + "\", which are to be of one kind. Correct it.");
        }
        if (lists) {
            return ofMessages(record);
        }
        if (prompt == null) {
            throw missing(record, PROMPT);
        }
        if (prompt instanceof List<?>) {
            return new Preference(
                    MessageFields.PLAIN.read(record, PROMPT),
                    "",
                    MessageFields.text(record, CHOSEN),
                    MessageFields.text(record, REJECTED),
                    record.place());
        }
        return new Preference(
                List.of(),
                MessageFields.text(record, PROMPT),
                MessageFields.text(record, CHOSEN),
                MessageFields.text(record, REJECTED),
                record.place());
    }

    private static BadFileException missing(JsonRecord record, String key) {
        return MessageFields.missing(record, key, "a preference has " + PROMPT + ", " + CHOSEN + " and " + REJECTED);
    }

    private static Preference ofMessages(JsonRecord record) throws BadFileException {
        List<ChatMessage> chosen = MessageFields.PLAIN.read(record, CHOSEN);
        List<ChatMessage> rejected = MessageFields.PLAIN.read(record, REJECTED);
        int common = 0;
        while (common < Math.min(chosen.size(), rejected.size()) - 1
                && chosen.get(common).equals(rejected.get(common))) {
            common++;
        }
        List<ChatMessage> prompt = new ArrayList<>();
        Object given = record.fields().get(PROMPT);
        if (given instanceof List<?>) {
            prompt.addAll(MessageFields.PLAIN.read(record, PROMPT));
            if (chosen.subList(0, common).equals(prompt)) {
                prompt.clear(); // the answers repeat it
            }
        } else if (given != null && common == 0) {
            prompt.add(ChatMessage.user(MessageFields.text(record, PROMPT)));
        } else if (given != null && !isAmong(MessageFields.text(record, PROMPT), chosen.subList(0, common))) {
            throw record.bad("has a text as \"" + PROMPT + "\" that is none of the messages in front of its"
                    + " answers. Remove the prompt or the messages.");
        }
        prompt.addAll(chosen.subList(0, common));
        if (prompt.isEmpty()) {
            throw missing(record, PROMPT);
        }
        return new Preference(
                prompt,
                "",
                answer(record, CHOSEN, chosen, common),
                answer(record, REJECTED, rejected, common),
                record.place());
    }

    private static boolean isAmong(String prompt, List<ChatMessage> messages) {
        return messages.stream().anyMatch(m -> Objects.equals(m.content(), prompt));
    }

    private static String answer(JsonRecord record, String key, List<ChatMessage> messages, int common)
            throws BadFileException {
        if (messages.size() != common + 1 || !messages.get(common).isAnswer()) {
            throw record.bad(
                    "has " + (messages.size() - common) + " messages as \"" + key
                            + "\" behind those that both answers have, and one of the assistant was expected. Cut it to one answer.");
        }
        return messages.get(common).content();
    }
}
