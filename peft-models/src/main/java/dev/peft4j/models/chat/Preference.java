package dev.peft4j.models.chat;

import dev.peft4j.core.error.BadInputException;
import java.util.List;

/**
 * Two answers to the same prompt, of which one is better.
 *
 * @param messages of the prompt; none if it is a text
 * @param prompt as a text; empty if it is messages
 * @param chosen the better answer: what the assistant says, or how the text goes on
 * @param rejected the other one
 * @param place file and line for messages of errors; empty if it is from no file
 */
public record Preference(List<ChatMessage> messages, String prompt, String chosen, String rejected, String place) {
    /**
     * Checks that there is something to prefer.
     *
     * @throws BadInputException if an answer or the prompt is empty, the answers are equal, or the messages of the prompt are out of order
     */
    public Preference {
        messages = List.copyOf(messages);
        requirePrompt(messages, prompt, "a preference", place);
        if (chosen.isEmpty() || rejected.isEmpty()) {
            throw Chat.bad(
                    place,
                    "a preference was to have two answers, and the " + (chosen.isEmpty() ? "chosen" : "rejected")
                            + " one is empty. Write it, or leave the record out.");
        }
        if (chosen.equals(rejected)) {
            throw Chat.bad(
                    place,
                    "the chosen and the rejected answer are the same, and one is to be better. Leave the record out.");
        }
    }

    /** Refuses a prompt that is neither text nor messages in order, of which the user says the last. */
    static void requirePrompt(List<ChatMessage> messages, String prompt, String what, String place) {
        if (messages.isEmpty() == prompt.isEmpty()) {
            throw Chat.bad(
                    place,
                    what + " was to have a prompt, as messages or as a text, and has "
                            + (prompt.isEmpty() ? "neither" : "both") + ". Give one.");
        }
        Chat.requireOrder(messages, place);
        if (!messages.isEmpty() && !messages.get(messages.size() - 1).role().equals(ChatMessage.USER)) {
            throw Chat.bad(
                    place,
                    "message " + messages.size() + ", the last of a prompt, is of the role "
                            + messages.get(messages.size() - 1).role()
                            + ", and the user's was expected, which is answered. Correct the prompt.");
        }
    }

    /** Whether the prompt is messages, which a chat template makes a text of. */
    public boolean isChat() {
        return !messages.isEmpty();
    }
}
