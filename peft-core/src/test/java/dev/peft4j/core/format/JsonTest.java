package dev.peft4j.core.format;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.error.BadFileException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What {@code json.load} of Python 3.11 says to the same files, opened as UTF-8. */
class JsonTest {
    @TempDir
    private Path temporary;

    private Path file(String text) throws IOException {
        return Files.writeString(temporary.resolve("adapter_config.json"), text);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{}",
                "{\"a\": 1} ",
                " \t\r\n{\"a\": 1}",
                "{\"a\": NaN}",
                "{\"a\": Infinity}",
                "{\"a\": -Infinity}",
                "{\"a\": 1e999}",
                "{\"a\": -0}",
                "{\"a\": 1E+5}",
                "{\"a\": \"\\ud800\"}",
                "{\"a\": \"\u007f\"}",
                "{\"a\": \"\\/\"}",
                "{\"\": 1}",
                "{\"a\": {\"b\": [null, true, false]}}"
            })
    void reads_what_python_reads(String text) throws IOException {
        assertTrue(Json.read(file(text)).size() < 2);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "null",
                "[1]",
                "\"a\"",
                "1",
                "\ufeff{\"a\": 1}",
                "\f{\"a\": 1}",
                "\u00a0{\"a\": 1}",
                "{\"a\": 1,}",
                "{\"a\": [1,]}",
                "{,}",
                "{\"a\":}",
                "{\"a\"}",
                "{\"a\": 1} {}",
                "{\"a\": 1}x",
                "{\"a\": 1",
                "{\"a\": \"b",
                "{\"a\": 1 \"b\": 2}",
                "{\"a\"; 1}",
                "{\"a\": 1;}",
                "{a: 1}",
                "{1: 2}",
                "{'a': 1}",
                "{\"a\": 'b'}",
                "{\"a\": 01}",
                "{\"a\": +1}",
                "{\"a\": .5}",
                "{\"a\": 1.}",
                "{\"a\": 0x1}",
                "{\"a\": 1_000}",
                "{\"a\": --1}",
                "{\"a\": nan}",
                "{\"a\": +Infinity}",
                "{\"a\": INF}",
                "{\"a\": -INF}",
                "{\"a\": +INF}",
                "{\"a\": True}",
                "{\"a\": None}",
                "// c\n{\"a\": 1}",
                "{\"a\": 1 /* c */}",
                "# c\n{\"a\": 1}",
                "{\"a\": \"\n\"}",
                "{\"a\": \"\t\"}",
                "{\"a\": \"\u0000\"}",
                "{\"a\": \"\\q\"}",
                "{\"a\": \"\\u12\"}"
            })
    void refuses_what_python_refuses(String text) throws IOException {
        Path file = file(text);
        BadFileException e = assertThrows(BadFileException.class, () -> Json.read(file));
        assertTrue(e.getMessage().contains("adapter_config.json"), e.getMessage());
    }

    @Test
    void the_last_of_two_values_counts_and_the_order_is_kept() throws IOException {
        assertEquals(
                "{b=3, a=2}", Json.read(file("{\"b\": 1, \"a\": 2, \"b\": 3}")).toString());
    }

    @Test
    void refuses_what_is_not_utf_8() throws IOException {
        Path file = Files.write(
                temporary.resolve("adapter_config.json"), "{\"a\": \"\u00e9\"}".getBytes(StandardCharsets.ISO_8859_1));
        assertThrows(BadFileException.class, () -> Json.read(file));
    }

    @Test
    void depth_and_numbers_are_bounded() throws IOException {
        for (String value : List.of("[".repeat(100_000) + "]".repeat(100_000), "9".repeat(100_000))) {
            Path file = file("{\"a\": " + value + "}");
            assertThrows(BadFileException.class, () -> Json.read(file));
        }
    }
}
