package dev.peft4j.models.chat;

import dev.peft4j.core.error.BadFileException;
import dev.peft4j.models.data.JsonRecord;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How messages are written in a record.
 *
 * @param role key of the role
 * @param content key of the text
 * @param roles the roles by the words that stand for them
 */
record MessageFields(String role, String content, Map<String, String> roles) {
    /** {@code {"role": "user", "content": ".."}}. */
    static final MessageFields PLAIN = new MessageFields(
            "role",
            "content",
            Map.of("system", ChatMessage.SYSTEM, "user", ChatMessage.USER, "assistant", ChatMessage.ASSISTANT));

    /** {@code {"from": "human", "value": ".."}}. */
    static final MessageFields SHARED = new MessageFields(
            "from",
            "value",
            Map.of("system", ChatMessage.SYSTEM, "human", ChatMessage.USER, "gpt", ChatMessage.ASSISTANT));

    /**
     * The messages that stand under a key of a record.
     *
     * @throws BadFileException with the line and the number of the message, if one is none that can be read
     */
    List<ChatMessage> read(JsonRecord from, String key) throws BadFileException {
        if (!(from.fields().get(key) instanceof List<?> list)) {
            throw from.bad("has " + JsonRecord.shown(from.fields().get(key)) + " as \"" + key
                    + "\", where a list of messages was expected. Correct it.");
        }
        List<ChatMessage> messages = new ArrayList<>();
        for (int i = 0; i < list.size(); i++) {
            messages.add(message(from, "message " + (i + 1) + " of \"" + key + "\"", list.get(i)));
        }
        return messages;
    }

    private ChatMessage message(JsonRecord from, String which, @Nullable Object value) throws BadFileException {
        if (!(value instanceof Map<?, ?> fields)) {
            throw from.bad("has " + JsonRecord.shown(value) + " as " + which + ", where an object with \"" + role
                    + "\" and \"" + content + "\" was expected. Correct it.");
        }
        for (Map.Entry<?, ?> field : fields.entrySet()) {
            if (!field.getKey().equals(role) && !field.getKey().equals(content) && field.getValue() != null) {
                throw from.bad("has \"" + field.getKey() + "\" in " + which
                        + ", which is not read and would be lost; the keys are \"" + role + "\" and \"" + content
                        + "\". Remove it, or leave the conversation out.");
            }
        }
        for (String key : List.of(role, content)) {
            if (!fields.containsKey(key)) {
                throw from.bad("has no \"" + key + "\" in " + which + "; a message has \"" + role + "\" and \""
                        + content + "\". Add it, or take the message out.");
            }
        }
        String known = fields.get(role) instanceof String name ? roles.get(name) : null;
        if (known == null) {
            throw from.bad("has " + JsonRecord.shown(fields.get(role)) + " as \"" + role + "\" of " + which
                    + ", which is" + " to be one of "
                    + roles.keySet().stream().sorted().toList() + ". Correct it.");
        }
        if (!(fields.get(content) instanceof String text)) {
            throw from.bad("has " + JsonRecord.shown(fields.get(content)) + " as \"" + content + "\" of " + which
                    + ", which is no text. Correct it.");
        }
        return new ChatMessage(known, text);
    }

    /**
     * An error of a record without a value.
     *
     * @param keys what such a record has, as a clause
     */
    static BadFileException missing(JsonRecord record, String key, String keys) {
        return record.fields().containsKey(key)
                ? record.bad("has null as \"" + key + "\"; " + keys + ". Give it a value, or leave the record out.")
                : record.bad("has no \"" + key + "\", but " + record.fields().keySet() + "; " + keys
                        + ". Add it, or rename a key.");
    }

    /**
     * A text that stands under a key of a record.
     *
     * @throws BadFileException with the line, if it is none
     */
    static String text(JsonRecord from, String key) throws BadFileException {
        if (from.fields().get(key) instanceof String text) {
            return text;
        }
        throw from.bad("has " + JsonRecord.shown(from.fields().get(key)) + " as \"" + key
                + "\", which is no text. Correct it.");
    }
}
