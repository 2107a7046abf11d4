package dev.peft4j.models.chat;

import dev.peft4j.core.error.BadInputException;
import java.util.Map;

/**
 * What one of those who talk says.
 *
 * @param role {@link #SYSTEM}, {@link #USER} or {@link #ASSISTANT}, or another that the template of the model knows
 * @param content its text
 */
public record ChatMessage(String role, String content) {
    /** Who says how to answer. */
    public static final String SYSTEM = "system";

    /** Who asks. */
    public static final String USER = "user";

    /** Who answers: the model. */
    public static final String ASSISTANT = "assistant";

    /**
     * Checks that there is a role.
     *
     * @throws BadInputException if it is blank
     */
    public ChatMessage {
        if (role.isBlank()) {
            throw new BadInputException("a message was given whose role is blank. Name who says it: " + SYSTEM + ", "
                    + USER + " or " + ASSISTANT + ".");
        }
    }

    /** A message of the system. */
    public static ChatMessage system(String content) {
        return new ChatMessage(SYSTEM, content);
    }

    /** A message of the user. */
    public static ChatMessage user(String content) {
        return new ChatMessage(USER, content);
    }

    /** A message of the assistant. */
    public static ChatMessage assistant(String content) {
        return new ChatMessage(ASSISTANT, content);
    }

    /** Whether the model says it. */
    public boolean isAnswer() {
        return role.equals(ASSISTANT);
    }

    /** As a template sees it. */
    Map<String, Object> fields() {
        return Map.of("role", role, "content", content);
    }
}
