package dev.peft4j.models.chat;

import dev.peft4j.core.error.BadInputException;
import java.util.List;

/**
 * A conversation to learn from: a message of the system or none, and then user and assistant in turn, of whom the assistant answers at least once.
 *
 * @param messages in their order
 * @param place file and line for messages of errors; empty if it is from no file
 */
public record Chat(List<ChatMessage> messages, String place) {
    /**
     * Checks the order of the messages.
     *
     * @throws BadInputException with the number of the message, counted from 1, if one is out of order or says nothing where the assistant is to answer; if
     *     there is no answer
     */
    public Chat {
        messages = List.copyOf(messages);
        requireOrder(messages, place);
        for (int i = 0; i < messages.size(); i++) {
            if (messages.get(i).isAnswer() && messages.get(i).content().isBlank()) {
                throw bad(
                        place,
                        "message " + (i + 1)
                                + " is an answer of the assistant that is empty, from which nothing is learnt."
                                + " Write the answer, or leave the last turns out.");
            }
        }
        if (messages.stream().noneMatch(ChatMessage::isAnswer)) {
            throw bad(
                    place,
                    "none of " + messages.size()
                            + " messages is an answer of the assistant, and answers are what is learnt."
                            + " Add one, or leave the conversation out.");
        }
    }

    /** A conversation that is from no file. */
    public Chat(List<ChatMessage> messages) {
        this(messages, "");
    }

    /** A conversation that is from no file. */
    public static Chat of(ChatMessage... messages) {
        return new Chat(List.of(messages));
    }

    /** Refuses messages that are not in order: the system first or not at all, then user and assistant in turn. */
    static void requireOrder(List<ChatMessage> messages, String place) {
        String expected = ChatMessage.USER;
        for (int i = 0; i < messages.size(); i++) {
            String role = messages.get(i).role();
            if (i == 0 && role.equals(ChatMessage.SYSTEM)) {
                continue;
            }
            if (!role.equals(expected)) {
                throw bad(
                        place,
                        "message " + (i + 1) + " is of the role " + shown(role) + ", and one of the " + expected
                                + " was expected: a conversation is one message of the system or none, and then user and"
                                + " assistant in turn. Correct the order of the messages.");
            }
            expected = role.equals(ChatMessage.USER) ? ChatMessage.ASSISTANT : ChatMessage.USER;
        }
    }

    private static String shown(String role) {
        return role.length() <= 40 ? role : role.substring(0, 40) + "...";
    }

    static BadInputException bad(String place, String problem) {
        return new BadInputException(place.isEmpty() ? problem : place + ": " + problem);
    }

    /** An error of this conversation. */
    BadInputException bad(String problem) {
        return bad(place, problem);
    }
}
