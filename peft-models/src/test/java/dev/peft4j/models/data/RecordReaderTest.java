package dev.peft4j.models.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.error.BadFileException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a file has is read, or the reader says why not, with file and line. */
class RecordReaderTest {
    @TempDir
    Path dir;

    private Path file(String name, String text) throws IOException {
        return Files.writeString(dir.resolve(name), text);
    }

    private static List<TextRecord> read(RecordReader reader, Path file) throws IOException {
        return reader.read(file, Integer.MAX_VALUE);
    }

    private static RecordReader named(String prompt, String text, String label) {
        return RecordReader.defaults().withPrompt(prompt).withText(text).withLabel(label);
    }

    private static List<String> texts(Path file) throws IOException {
        return read(RecordReader.defaults(), file).stream()
                .map(TextRecord::text)
                .toList();
    }

    /** The message begins with the file; it says what is wrong, and what to do. */
    private void refused(String expected, RecordReader reader, Path file) {
        String message = String.valueOf(
                assertThrows(BadFileException.class, () -> read(reader, file)).getMessage());
        assertTrue(message.startsWith(file.toString()), message);
        assertTrue(message.contains(expected), () -> "expected \"" + expected + "\" in: " + message);
        assertTrue(message.strip().endsWith(".") || message.endsWith("?"), message);
    }

    private void refused(String expected, String name, String text) throws IOException {
        refused(expected, RecordReader.defaults(), file(name, text));
    }

    @ParameterizedTest
    @ValueSource(strings = {"a.csv.gz", "a.csv", "A.CSV.GZ", "a.tsv", "a.CSV"})
    void packed_files_are_known_by_their_content(String name) throws IOException {
        ByteArrayOutputStream packed = new ByteArrayOutputStream();
        try (GZIPOutputStream out = new GZIPOutputStream(packed)) {
            out.write("text\na\n".getBytes(StandardCharsets.UTF_8));
        }
        assertEquals(List.of("a"), texts(Files.write(dir.resolve(name), packed.toByteArray())));
    }

    @Test
    void a_byte_order_mark_belongs_to_no_name_and_no_record() throws IOException {
        assertEquals(List.of("a", "b"), texts(file("a.csv", "\uFEFFtext,label\na,0\nb,1\n")));
        assertEquals(List.of("a"), texts(file("a.tsv", "\uFEFFtext\na\n")));
        assertEquals(List.of("a", "b"), texts(file("a.jsonl", "\uFEFF{\"text\":\"a\"}\n{\"text\":\"b\"}\n")));
    }

    @ParameterizedTest
    @CsvSource({"lf", "crlf", "cr", "mixed"})
    void lines_end_in_any_of_the_usual_ways(String kind) throws IOException {
        String end =
                switch (kind) {
                    case "lf" -> "\n";
                    case "crlf" -> "\r\n";
                    default -> "\r";
                };
        String last = kind.equals("mixed") ? "\n" : end;
        String lines = "{\"text\":\"a\"}" + end + "{\"text\":\"b\"}" + last + end + "{\"text\":\"c\"}";
        assertEquals(List.of("a", "b", "c"), texts(file("a.jsonl", lines)));
        assertEquals(List.of("a", "b"), texts(file("a.csv", "text" + end + "a" + end + "b" + last)));
        refused("line 3", "b.jsonl", "{\"text\":\"a\"}" + end + end + "{\"text\":" + end);
    }

    @Test
    void what_follows_the_first_value_of_a_line_is_not_lost() throws IOException {
        refused("line 1 has more behind", "a.jsonl", "{\"text\":\"a\"}{\"text\":\"b\"}\n");
        refused("line 2 has more behind", "a.jsonl", "{\"text\":\"a\"}\n{\"text\":\"b\"} rubbish\n");
        refused("line 1 has more behind", "a.jsonl", "{\"text\":\"a\"} ]");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "null | no JSON object but null",
                "5 | no JSON object but 5",
                "[] | no JSON object but []",
                "\"a\" | no JSON object",
                "{\"text\":null} | no text",
                "{\"text\":5} | no text",
                "{\"text\":[\"a\"]} | no text",
                "{\"text\":\"a\",\"label\":{\"b\":1}} | neither a class nor a number",
                "{\"prompt\":\"a\",\"completion\":null} | no text",
                "{\"completion\":\"a\"} | has a completion and no prompt",
                "{\"txt\":\"a\"} | line 1 has neither text",
                "{\"text\":\"a\",\"text\":\"b\"} | Duplicate",
                "{} | line 1 has neither text"
            })
    void other_json_is_refused(String line, String expected) throws IOException {
        refused(expected, "a.jsonl", line + "\n");
    }

    @Test
    void keys_that_would_not_be_read_are_refused_unless_the_others_were_named() throws IOException {
        Path pairs = file("a.jsonl", "{\"text\":\"a\",\"text_pair\":\"b\",\"label\":1}\n");
        refused("text_pair", RecordReader.defaults(), pairs);
        assertEquals("a", read(named("", "text", "label"), pairs).get(0).text());
    }

    @Test
    void keys_are_named_as_columns_are() throws IOException {
        Path lines = file("a.jsonl", "{\"q\":\"why\",\"a\":\"so\",\"id\":7}\n");
        Path table = file("a.csv", "q,a,id\nwhy,so,7\n");
        for (Path p : List.of(lines, table)) {
            TextRecord record = read(named("q", "a", "id"), p).get(0);
            assertEquals("why\n", record.prompt());
            assertEquals("so", record.text());
            assertEquals("7", record.label());
            refused("Did you mean", named("qq", "a", ""), p);
            refused("has no \"answer\"", named("", "answer", ""), p);
        }
    }

    @Test
    void labels_are_read_as_they_are_written_and_numbers_in_their_shortest_form() throws IOException {
        Path lines = file(
                "a.jsonl",
                """
                {"text":"a","label":1}
                {"text":"a","label":0.0}
                {"text":"a","label":"pos"}
                {"text":"a","label":true}
                {"text":"a","label":[0,1]}
                {"text":"a","label":null}
                """);
        List<TextRecord> records = read(RecordReader.defaults(), lines);
        assertEquals(
                List.of("1", "0", "pos", "true", "[0,1]", "null"),
                records.stream().map(r -> String.valueOf(r.label())).toList());
        assertEquals(lines + ", line 3", records.get(2).place());
    }

    @Test
    void tables_without_a_usable_header_are_refused() throws IOException {
        refused("the file is empty", "a.csv", "");
        refused("the file is empty", "a.csv", "\uFEFF");
        refused("are called text", "a.csv", "text,text\nabc,d\n");
        refused("has no name", "a.csv", "text,\nabc,d\n");
        refused("the file has none", "a.csv", "text\n");
        refused("the file has none", "a.jsonl", "");
    }

    @Test
    void the_line_of_a_record_counts_empty_lines_and_those_within_fields() throws IOException {
        refused(
                "line 6 has 1 fields, the header 2",
                "a.csv",
                "text,label\na,0\n\n\"two\nlines\",1\nb\n".replace("b\n", "b"));
        refused("line 2 cannot be read", "a.csv", "text,label\n\"a,0\nb,1\n");
        Path table = file("b.csv", "text,label\n\na,0\n\"x\ny\",1\n\nz,1");
        assertEquals(
                List.of(3, 4, 7),
                read(RecordReader.defaults(), table).stream()
                        .map(r -> Integer.parseInt(r.place().replaceAll(".* ", "")))
                        .toList());
    }

    @Test
    void other_encodings_are_refused_with_the_line_and_what_converts_them() throws IOException {
        Path latin = dir.resolve("a.csv");
        String rows = "text\r\n" + "abc \u00e4\r\n".repeat(5000);
        byte[] head = rows.getBytes(StandardCharsets.UTF_8);
        byte[] tail = "caf\u00e9\n".getBytes(StandardCharsets.ISO_8859_1);
        Files.write(
                latin,
                ByteBuffer.allocate(head.length + tail.length)
                        .put(head)
                        .put(tail)
                        .array());
        refused("line 5002: text in UTF-8 was expected, and the byte 0xE9", RecordReader.defaults(), latin);
        Path cut = Files.write(dir.resolve("cut.jsonl"), new byte[] {'\n', '{', (byte) 0xC3});
        refused("line 2: text in UTF-8 was expected, and the byte 0xC3", RecordReader.defaults(), cut);
        String line = "{\"text\":\"a\"}";
        for (String name : List.of("UTF-16", "UTF-16LE", "UTF-16BE", "UTF-32", "UTF-32LE", "UTF-32BE")) {
            Path wide = Files.write(dir.resolve(name + ".jsonl"), line.getBytes(Charset.forName(name)));
            refused("line 1: text in UTF-8 was expected, and this is not UTF-8", RecordReader.defaults(), wide);
        }
        Path marked = Files.write(dir.resolve("m.csv"), "\uFEFFtext\na".getBytes(StandardCharsets.UTF_16LE));
        refused("iconv -f UTF-16 -t UTF-8", RecordReader.defaults(), marked);
    }

    @Test
    void a_packed_file_that_is_cut_is_damaged_and_not_empty() throws IOException {
        ByteArrayOutputStream packed = new ByteArrayOutputStream();
        try (GZIPOutputStream out = new GZIPOutputStream(packed)) {
            out.write("text\na\n".getBytes(StandardCharsets.UTF_8));
        }
        Path half = Files.write(dir.resolve("a.csv.gz"), Arrays.copyOf(packed.toByteArray(), packed.size() - 9));
        refused("this one is damaged", RecordReader.defaults(), half);
    }
}
