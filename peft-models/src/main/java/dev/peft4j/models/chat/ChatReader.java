package dev.peft4j.models.chat;

import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.models.data.JsonRecord;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * Reads conversations from JSONL, with a conversation on each line. Its keys tell in which of three forms:
 *
 * <ul>
 *   <li>{@code {"messages": [{"role": "user", "content": ".."}, ..]}}, with the roles system, user and assistant
 *   <li>{@code {"conversations": [{"from": "human", "value": ".."}, ..]}}, as ShareGPT, with system, human and gpt
 *   <li>{@code {"instruction": "..", "input": "..", "output": ".."}}, as Alpaca: the user says the instruction and, behind an empty line, the input if there is
 *       any
 * </ul>
 *
 * <p>Other keys of a conversation, such as its id, are left out; other keys of a message are refused, since they would change what it says. gzip is unpacked, and
 * texts are UTF-8 with or without a byte order mark.
 */
public final class ChatReader {
    private static final String MESSAGES = "messages";
    private static final String CONVERSATIONS = "conversations";
    private static final String INSTRUCTION = "instruction";
    private static final String INPUT = "input";
    private static final String OUTPUT = "output";

    private ChatReader() {}

    /**
     * Reads all conversations of a file.
     *
     * @throws BadFileException with the line, if a record is none of the three forms; if the file is missing or has none
     * @throws BadInputException with the line and the number of the message, if messages are out of order ({@link Chat})
     */
    public static List<Chat> read(Path file) throws IOException {
        return read(file, Integer.MAX_VALUE);
    }

    /**
     * Reads at most so many conversations of a file.
     *
     * @throws BadFileException as {@link #read(Path)}
     * @throws BadInputException as {@link #read(Path)}
     */
    public static List<Chat> read(Path file, int limit) throws IOException {
        return JsonRecord.readAll(file, limit, ChatReader::chat);
    }

    private static Chat chat(JsonRecord record) throws BadFileException {
        boolean plain = record.fields().containsKey(MESSAGES);
        boolean shared = record.fields().containsKey(CONVERSATIONS);
        boolean columns =
                record.fields().containsKey(INSTRUCTION) && record.fields().containsKey(OUTPUT);
        if ((plain ? 1 : 0) + (shared ? 1 : 0) + (columns ? 1 : 0) != 1) {
            throw record.bad(
                    (plain || shared || columns ? "has more than one form of a conversation" : "is no conversation")
                            + ": its keys are " + record.fields().keySet() + ", and one of " + MESSAGES + ", "
                            + CONVERSATIONS
                            + ", or " + INSTRUCTION + " and " + OUTPUT + ", was expected. Rename or remove keys.");
        }
        requireNoTools(record);
        if (columns) {
            return new Chat(turn(record), record.place());
        }
        List<ChatMessage> messages =
                plain ? MessageFields.PLAIN.read(record, MESSAGES) : MessageFields.SHARED.read(record, CONVERSATIONS);
        return new Chat(messages, record.place());
    }

    private static void requireNoTools(JsonRecord record) throws BadFileException {
        Object tools = record.fields().get("tools");
        boolean none = tools == null || tools.equals("") || tools.equals(List.of()) || tools.equals(Map.of());
        if (!none) {
            throw record.bad(
                    "has \"tools\", which are not read, and its answers may call them. Remove them, or leave the"
                            + " conversation out.");
        }
    }

    private static List<ChatMessage> turn(JsonRecord record) throws BadFileException {
        String asked = MessageFields.text(record, INSTRUCTION);
        String input = record.fields().get(INPUT) == null ? "" : MessageFields.text(record, INPUT);
        return List.of(
                ChatMessage.user(input.isEmpty() ? asked : asked + "\n\n" + input),
                ChatMessage.assistant(MessageFields.text(record, OUTPUT)));
    }
}
