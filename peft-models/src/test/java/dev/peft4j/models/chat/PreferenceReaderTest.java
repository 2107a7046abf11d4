package dev.peft4j.models.chat;

import static dev.peft4j.models.chat.ChatMessage.assistant;
import static dev.peft4j.models.chat.ChatMessage.system;
import static dev.peft4j.models.chat.ChatMessage.user;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.error.PeftFailure;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Preferences in the forms of TRL. */
class PreferenceReaderTest {
    private static final String Q = "{\"role\":\"user\",\"content\":\"q\"}";
    private static final String S = "{\"role\":\"system\",\"content\":\"s\"}";
    private static final String A = "{\"role\":\"assistant\",\"content\":\"a\"}";
    private static final String B = "{\"role\":\"assistant\",\"content\":\"b\"}";

    @TempDir
    Path directory;

    private Path file(String line) throws IOException {
        return Files.writeString(directory.resolve("a.jsonl"), "\n" + line + "\n");
    }

    private Preference read(String prompt, String chosen, String rejected) throws IOException {
        String first = prompt.isEmpty() ? "" : "\"prompt\":" + prompt + ",";
        return PreferenceReader.read(file("{" + first + "\"chosen\":" + chosen + ",\"rejected\":" + rejected + "}"))
                .get(0);
    }

    @Test
    void texts_stay_texts() throws IOException {
        Preference p = read("\"q\"", "\"a\"", "\" b\"");
        assertEquals(new Preference(List.of(), "q", "a", " b", directory.resolve("a.jsonl") + ", line 2"), p);
        assertFalse(p.isChat());
    }

    @Test
    void messages_are_read_with_their_prompt_or_without() throws IOException {
        List<Preference> same = List.of(
                read("[" + S + "," + Q + "]", "[" + A + "]", "[" + B + "]"),
                read("[" + S + "," + Q + "]", "[" + S + "," + Q + "," + A + "]", "[" + S + "," + Q + "," + B + "]"),
                read("", "[" + S + "," + Q + "," + A + "]", "[" + S + "," + Q + "," + B + "]"),
                read("\"q\"", "[" + S + "," + Q + "," + A + "]", "[" + S + "," + Q + "," + B + "]"),
                read("[" + S + "," + Q + "]", "\"a\"", "\"b\""));
        for (Preference p : same) {
            assertEquals(List.of(system("s"), user("q")), p.messages());
            assertEquals(List.of("", "a", "b"), List.of(p.prompt(), p.chosen(), p.rejected()));
            assertTrue(p.isChat());
        }
        assertEquals(
                List.of(user("q")), read("\"q\"", "[" + A + "]", "[" + B + "]").messages());
        String turns = Q + "," + A + "," + Q + ",";
        assertEquals(
                List.of(user("q"), assistant("a"), user("q")),
                read("", "[" + turns + A + "]", "[" + turns + B + "]").messages());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{\"prompt\":\"q\",\"chosen\":\"a\"} | has no \"rejected\", but [prompt, chosen]",
                "{\"prompt\":\"q\",\"rejected\":\"a\",\"chosen\":null} | has null as \"chosen\"",
                "{\"chosen\":\"a\",\"rejected\":\"b\"} | has no \"prompt\"",
                "{\"chosen\":[A],\"rejected\":[B]} | has no \"prompt\"",
                "{\"prompt\":\"q\",\"chosen\":\"a\",\"rejected\":\"a\"} | are the same",
                "{\"prompt\":[Q],\"chosen\":[A],\"rejected\":[A]} | are the same",
                "{\"prompt\":\"q\",\"chosen\":\"\",\"rejected\":\"a\"} | the chosen one is empty",
                "{\"prompt\":\"\",\"chosen\":\"b\",\"rejected\":\"a\"} | has neither",
                "{\"prompt\":\"q\",\"chosen\":\"b\",\"rejected\":[A]} | of one kind",
                "{\"prompt\":5,\"chosen\":\"b\",\"rejected\":\"a\"} | as \"prompt\", which is no text",
                "{\"prompt\":\"q\",\"chosen\":{},\"rejected\":\"a\"} | as \"chosen\", which is no text",
                "{\"prompt\":[Q,A],\"chosen\":\"b\",\"rejected\":\"c\"} | message 2, the last of a prompt",
                "{\"prompt\":[A],\"chosen\":\"b\",\"rejected\":\"c\"} | message 1 is of the role assistant",
                "{\"prompt\":[Q],\"chosen\":[A,Q],\"rejected\":[B]} | has 2 messages as \"chosen\"",
                "{\"prompt\":[Q],\"chosen\":[],\"rejected\":[B]} | has 0 messages as \"chosen\"",
                "{\"prompt\":[Q],\"chosen\":[Q],\"rejected\":[B]} | one of the assistant was expected",
                "{\"prompt\":\"z\",\"chosen\":[Q,A],\"rejected\":[Q,B]} | none of the messages"
            })
    void other_records_are_refused_with_their_line(String line, String expected) throws IOException {
        Path path = file(line.replace("[Q", "[" + Q)
                .replace(",Q", "," + Q)
                .replace("[A", "[" + A)
                .replace(",A", "," + A)
                .replace("[B", "[" + B)
                .replace(",B", "," + B));
        Exception e = assertThrows(Exception.class, () -> PreferenceReader.read(path));
        String message = String.valueOf(e.getMessage());
        assertTrue(e instanceof PeftFailure, message);
        assertTrue(message.startsWith(path.toString()) && message.contains("line 2"), message);
        assertTrue(message.contains(expected), message);
        assertTrue(message.endsWith("."), message);
    }
}
