package dev.peft4j.models.chat;

import static dev.peft4j.models.chat.ChatMessage.assistant;
import static dev.peft4j.models.chat.ChatMessage.system;
import static dev.peft4j.models.chat.ChatMessage.user;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.error.PeftFailure;
import dev.peft4j.models.data.RecordReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Conversations are read in the form that a file has, or the reader says why not, with file, line and message. */
class ChatReaderTest {
    @TempDir
    Path directory;

    private Path file(String text) throws IOException {
        return Files.writeString(directory.resolve("a.jsonl"), text);
    }

    private List<ChatMessage> first(String line) throws IOException {
        return ChatReader.read(file(line + "\n")).get(0).messages();
    }

    @Test
    void each_form_is_known_by_its_keys() throws IOException {
        List<ChatMessage> chat = List.of(system("s"), user("a"), assistant("b"));
        assertEquals(
                chat,
                first(
                        "{\"id\":1,\"messages\":[{\"role\":\"system\",\"content\":\"s\"},{\"role\":\"user\",\"content\":\"a\","
                                + "\"tool_calls\":null},{\"role\":\"assistant\",\"content\":\"b\"}],\"tools\":[]}"));
        assertEquals(
                chat,
                first("{\"conversations\":[{\"from\":\"system\",\"value\":\"s\"},{\"from\":\"human\",\"value\":\"a\"},"
                        + "{\"from\":\"gpt\",\"value\":\"b\"}],\"source\":\"x\"}"));
        assertEquals(
                List.of(user("i\n\nx"), assistant("o")),
                first("{\"instruction\":\"i\",\"input\":\"x\",\"output\":\"o\",\"text\":\"all of it\"}"));
        assertEquals(
                List.of(user("i"), assistant("o")), first("{\"instruction\":\"i\",\"input\":\"\",\"output\":\"o\"}"));
        assertEquals(List.of(user("i"), assistant("o")), first("{\"instruction\":\"i\",\"output\":\"o\"}"));
    }

    @Test
    void forms_may_be_mixed_and_lines_counted() throws IOException {
        Path mixed = file(
                """
                {"instruction":"i","output":"o"}

                {"conversations":[{"from":"human","value":"a"},{"from":"gpt","value":"b"}]}
                """);
        List<Chat> chats = ChatReader.read(mixed);
        assertEquals(
                List.of(mixed + ", line 1", mixed + ", line 3"),
                chats.stream().map(Chat::place).toList());
        assertEquals(1, ChatReader.read(mixed, 1).size());
    }

    @Test
    void packed_files_and_marks_are_read() throws IOException {
        ByteArrayOutputStream packed = new ByteArrayOutputStream();
        try (GZIPOutputStream out = new GZIPOutputStream(packed)) {
            out.write("\uFEFF{\"instruction\":\"é\",\"output\":\"o\"}\r\n".getBytes(StandardCharsets.UTF_8));
        }
        Path file = Files.write(directory.resolve("a.jsonl.gz"), packed.toByteArray());
        assertEquals("é", ChatReader.read(file).get(0).messages().get(0).content());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{\"text\":\"a\",\"label\":1} | its keys are [text, label]",
                "{} | its keys are []",
                "{\"instruction\":\"a\"} | its keys are [instruction]",
                "{\"messages\":[],\"conversations\":[]} | more than one form",
                "{\"messages\":\"a\"} | a list of messages was expected",
                "{\"messages\":[\"a\"]} | message 1 of \"messages\"",
                "{\"messages\":[{\"role\":\"bot\",\"content\":\"a\"}]} | one of [assistant, system, user]",
                "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"content\":\"a\"}]} | message 2 of \"messages\"",
                "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\"}]}]} | which is no text",
                "{\"messages\":[{\"role\":\"user\",\"content\":null}]} | which is no text",
                "{\"messages\":[{\"role\":\"user\",\"content\":\"a\",\"name\":\"x\"}]} | has \"name\" in message 1",
                "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],\"tools\":[{}]} | has \"tools\"",
                "{\"conversations\":[{\"from\":\"user\",\"value\":\"a\"}]} | one of [gpt, human, system]",
                "{\"instruction\":1,\"output\":\"a\"} | which is no text",
                "{\"instruction\":\"a\",\"input\":[],\"output\":\"a\"} | as \"input\", which is no text",
                "[1] | no JSON object",
                "{\"messages\": | is not JSON",
                "{\"messages\":[],\"messages\":[]} | Duplicate",
                "{\"messages\":[]} | none of 0 messages",
                "{\"messages\":[{\"role\":\"assistant\",\"content\":\"a\"}]} | message 1 is of the role assistant",
                "{\"instruction\":\"a\",\"output\":\"\"} | message 2 is an answer of the assistant that is empty"
            })
    void what_is_no_conversation_is_refused_with_its_line(String line, String expected) throws IOException {
        Path path = file("{\"instruction\":\"i\",\"output\":\"o\"}\n" + line + "\n");
        Exception e = assertThrows(Exception.class, () -> ChatReader.read(path));
        String message = String.valueOf(e.getMessage());
        assertTrue(e instanceof PeftFailure, message);
        assertTrue(message.startsWith(path.toString()) && message.contains("line 2"), message);
        assertTrue(message.contains(expected), message);
        assertTrue(message.endsWith("."), message);
    }

    @Test
    void order_is_an_error_of_input_and_form_one_of_the_file() throws IOException {
        Path order = file("{\"messages\":[{\"role\":\"assistant\",\"content\":\"a\"}]}");
        assertThrows(BadInputException.class, () -> ChatReader.read(order));
        Path form = file("{}");
        assertThrows(BadFileException.class, () -> ChatReader.read(form));
        Path other = Files.writeString(directory.resolve("a.json"), "{}");
        String message = String.valueOf(assertThrows(BadFileException.class, () -> ChatReader.read(other))
                .getMessage());
        assertTrue(message.contains(".jsonl"), message);
        assertThrows(BadFileException.class, () -> ChatReader.read(directory));
        assertThrows(
                BadFileException.class, () -> ChatReader.read(Files.writeString(directory.resolve("b.jsonl"), "\n")));
    }

    @Test
    void deep_lines_are_refused() throws IOException {
        Path deep = file("{\"messages\":" + "[".repeat(100_000) + "]".repeat(100_000) + "}");
        assertThrows(BadFileException.class, () -> ChatReader.read(deep));
    }

    @Test
    void what_is_missing_is_not_called_null_and_parts_are_shown_as_json() {
        for (String[] c : new String[][] {
            {"{\"role\":\"user\"}", "line 1 has no \"content\" in message 1 of \"messages\""},
            {"{\"content\":\"a\"}", "line 1 has no \"role\" in message 1 of \"messages\""},
            {"{\"role\":\"user\",\"content\":null}", "line 1 has null as \"content\" of message 1"},
            {
                "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}]}",
                "line 1 has [{\"type\":\"text\",\"text\":\"x\"}] as \"content\" of message 1"
            }
        }) {
            String message =
                    String.valueOf(assertThrows(BadFileException.class, () -> first("{\"messages\":[" + c[0] + "]}"))
                            .getMessage());
            assertTrue(message.contains(c[1]), message);
        }
    }

    @Test
    void fewer_than_one_are_not_read() throws IOException {
        Path file = file("{\"instruction\":\"i\",\"output\":\"o\"}\n");
        for (int limit : new int[] {0, -1}) {
            String message = String.valueOf(assertThrows(BadInputException.class, () -> ChatReader.read(file, limit))
                    .getMessage());
            assertTrue(message.contains("at most " + limit + " records"), message);
            assertThrows(BadInputException.class, () -> RecordReader.defaults().read(file, limit));
        }
    }
}
