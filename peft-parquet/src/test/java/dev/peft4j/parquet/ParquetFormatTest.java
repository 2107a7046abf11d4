package dev.peft4j.parquet;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.error.StoppedException;
import dev.peft4j.models.chat.Chat;
import dev.peft4j.models.chat.ChatReader;
import dev.peft4j.models.chat.Preference;
import dev.peft4j.models.chat.PreferenceReader;
import dev.peft4j.models.data.JsonRecord;
import dev.peft4j.models.data.RecordReader;
import dev.peft4j.models.data.TextRecord;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Files of pyarrow are read as the rows that were written, and by every reader of records. */
class ParquetFormatTest {
    @TempDir
    Path dir;

    static List<Path> files() throws IOException {
        return Fixtures.whole();
    }

    @ParameterizedTest
    @MethodSource("files")
    void a_file_is_read_as_its_rows(Path file) throws IOException {
        List<JsonNode> expected = Fixtures.rows(file);
        List<JsonNode> read = Fixtures.read(file);
        assertEquals(expected.size(), read.size());
        for (int row = 0; row < read.size(); row++) {
            for (Map.Entry<String, JsonNode> column : expected.get(row).properties()) {
                JsonNode value = read.get(row).get(column.getKey());
                assertEquals(column.getValue(), value, column.getKey() + " of row " + (row + 1));
            }
            assertEquals(expected.get(row).size(), read.get(row).size());
        }
    }

    @Test
    void rows_are_read_until_they_are_no_longer_wanted() throws IOException {
        List<Object> read = new ArrayList<>();
        new ParquetFormat().read(Fixtures.FOLDER.resolve("flat-groups.parquet"), row -> {
            read.add(row.get("label"));
            return read.size() < 20;
        });
        assertEquals(20, read.size());
        assertEquals(1L, read.get(19));
    }

    @Test
    void texts_and_labels_are_read_as_those_of_jsonl() throws IOException {
        List<TextRecord> rows = RecordReader.defaults().read(Fixtures.FOLDER.resolve("flat-groups.parquet"));
        List<TextRecord> lines = RecordReader.defaults().read(Fixtures.FOLDER.resolve("flat.jsonl"));
        assertEquals(60, rows.size());
        for (int i = 0; i < 60; i++) {
            assertEquals(lines.get(i).text(), rows.get(i).text());
            assertEquals(lines.get(i).label(), rows.get(i).label());
        }
        assertTrue(
                rows.get(59).place().endsWith("flat-groups.parquet, row 60"),
                rows.get(59).place());
        assertEquals(
                rows.subList(0, 7), RecordReader.defaults().read(Fixtures.FOLDER.resolve("flat-groups.parquet"), 7));
    }

    @Test
    void conversations_and_preferences_are_read_as_those_of_jsonl() throws IOException {
        List<Chat> chats = ChatReader.read(Fixtures.FOLDER.resolve("conversations-dictionary.parquet"));
        List<Chat> lines = ChatReader.read(Fixtures.FOLDER.resolve("conversations.jsonl"));
        assertEquals(3, chats.size());
        assertEquals(
                lines.stream().map(Chat::messages).toList(),
                chats.stream().map(Chat::messages).toList());
        List<Preference> answers = PreferenceReader.read(Fixtures.FOLDER.resolve("preferences-dictionary.parquet"));
        assertEquals(
                List.of("Red.", "Seven."),
                List.of(answers.get(1).chosen(), answers.get(1).rejected()));
        List<JsonRecord> records =
                JsonRecord.readAll(Fixtures.FOLDER.resolve("lists-old.parquet"), 2, record -> record);
        assertEquals(List.of("New", "York"), records.get(0).fields().get("tokens"));
    }

    @Test
    void a_row_that_is_no_record_is_refused_with_its_number() {
        refused(Fixtures.FOLDER.resolve("nullable-plain.parquet"), "row 1 has [score, sure, nothing, empty]");
        Path chat = Fixtures.FOLDER.resolve("chat-pages.parquet");
        String message = String.valueOf(assertThrows(BadInputException.class, () -> ChatReader.read(chat))
                .getMessage());
        assertTrue(message.contains("chat-pages.parquet, row 2: "), message);
        assertEquals(
                "column 1",
                assertThrows(
                                BadFileException.class,
                                () -> JsonRecord.readAll(chat, 1, record -> {
                                    throw record.bad("is column 1");
                                }))
                        .getMessage()
                        .replaceAll(".*row 1 is ", ""));
    }

    @Test
    void what_is_not_read_is_refused() throws IOException {
        refused(
                Fixtures.FOLDER.resolve("brotli.parquet"),
                "column text: pages are packed with Brotli, which is not read");
        refused(Fixtures.FOLDER.resolve("empty.parquet"), "the file has none");
        refused(dir.resolve("none.parquet"), "there is none");
        refused(Files.writeString(dir.resolve("text.parquet"), "{\"text\": \"a\"}\n"), "does not begin with PAR1");
        refused(Files.writeString(dir.resolve("short.parquet"), "PAR1"), "has 4 bytes, and the shortest");
        refused(Files.writeString(dir.resolve("frame.parquet"), "PAR1PAR1"), "has 8 bytes, and the shortest");
        refused(Files.writeString(dir.resolve("two.parquet"), "PA"), "does not begin with PAR1");
        Path packed = Files.copy(Fixtures.FOLDER.resolve("flat-none-1.parquet"), dir.resolve("flat.parquet.gz"));
        refused(packed, "Unpack it");
        Path named = Fixtures.FOLDER.resolve("flat-none-1.parquet");
        refused(named, RecordReader.defaults().withHeader(List.of("text")), "Leave out --columns");
        byte[] bytes = Files.readAllBytes(named);
        bytes[bytes.length - 1] = 'E';
        refused(Files.write(dir.resolve("secret.parquet"), bytes), "it is encrypted, which is not read");
    }

    @Test
    void an_interrupted_thread_stops_reading() {
        Thread.currentThread().interrupt();
        assertThrows(StoppedException.class, () -> new ParquetFormat()
                .read(Fixtures.FOLDER.resolve("flat-groups.parquet"), row -> true));
        assertTrue(Thread.interrupted());
    }

    private static void refused(Path file, String expected) {
        refused(file, RecordReader.defaults(), expected);
    }

    /** The message begins with the file, says what was found, and what to do. */
    private static void refused(Path file, RecordReader reader, String expected) {
        String message = String.valueOf(
                assertThrows(BadFileException.class, () -> reader.read(file)).getMessage());
        assertTrue(message.startsWith(file.toString()), message);
        assertTrue(message.contains(expected), () -> "expected \"" + expected + "\" in: " + message);
        assertTrue(message.strip().endsWith("."), message);
    }
}
