package dev.peft4j.models.chat;

import static dev.peft4j.models.chat.ChatMessage.assistant;
import static dev.peft4j.models.chat.ChatMessage.system;
import static dev.peft4j.models.chat.ChatMessage.user;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.error.BadInputException;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Conversations that can be learnt from, and those that cannot. */
class ChatTest {
    private static void refused(String expected, ChatMessage... messages) {
        String message = String.valueOf(
                assertThrows(BadInputException.class, () -> new Chat(List.of(messages), "a.jsonl, line 7"))
                        .getMessage());
        assertTrue(message.startsWith("a.jsonl, line 7: "), message);
        assertTrue(message.contains(expected), message);
        assertTrue(message.endsWith("."), message);
    }

    @Test
    void user_and_assistant_take_turns_behind_the_system() {
        assertEquals(2, Chat.of(user("a"), assistant("b")).messages().size());
        assertEquals(
                6,
                Chat.of(system(""), user("a"), assistant("b"), user(""), assistant("d"), user("e"))
                        .messages()
                        .size());
    }

    @Test
    void a_message_out_of_order_is_named() {
        refused("message 1 is of the role assistant", assistant("a"), user("b"));
        refused("message 2 is of the role assistant", system("s"), assistant("a"));
        refused("message 2 is of the role user", user("a"), user("b"), assistant("c"));
        refused("message 3 is of the role system", user("a"), assistant("b"), system("c"));
        refused("message 2 is of the role system", system("a"), system("b"), user("c"), assistant("d"));
        refused("message 2 is of the role tool", user("a"), new ChatMessage("tool", "b"));
    }

    @Test
    void nothing_to_learn_is_named() {
        refused("message 4 is an answer", user("a"), assistant("b"), user("c"), assistant(" \n"));
        refused("none of 1 messages", user("a"));
        refused("none of 2 messages", system("a"), user("b"));
        refused("none of 0 messages");
    }

    @Test
    void a_message_has_a_role() {
        assertThrows(BadInputException.class, () -> new ChatMessage(" ", "a"));
    }
}
