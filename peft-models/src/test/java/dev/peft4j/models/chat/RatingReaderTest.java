package dev.peft4j.models.chat;

import static dev.peft4j.models.chat.ChatMessage.assistant;
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

/** Ratings in the forms of TRL. */
class RatingReaderTest {
    private static final String Q = "{\"role\":\"user\",\"content\":\"q\"}";
    private static final String A = "{\"role\":\"assistant\",\"content\":\"a\"}";

    @TempDir
    Path directory;

    private List<Rating> read(String... lines) throws IOException {
        return RatingReader.read(Files.write(directory.resolve("a.jsonl"), List.of(lines)));
    }

    private String place(int line) {
        return directory.resolve("a.jsonl") + ", line " + line;
    }

    @Test
    void texts_stay_texts() throws IOException {
        List<Rating> read = read(
                "{\"prompt\":\"q\",\"completion\":\" a\",\"label\":true,\"id\":7}",
                "{\"prompt\":\"q\",\"completion\":\"b\",\"label\":false}");
        assertEquals(
                List.of(
                        new Rating(List.of(), "q", " a", true, place(1)),
                        new Rating(List.of(), "q", "b", false, place(2))),
                read);
        assertFalse(read.get(0).isChat());
        assertEquals(2, Rating.byRecord(read).size());
    }

    @Test
    void messages_are_read_in_the_prompt_and_in_the_answer() throws IOException {
        Rating expected = new Rating(List.of(user("q")), "", "a", true, place(1));
        for (String parts : List.of(
                "\"prompt\":[" + Q + "],\"completion\":[" + A + "]",
                "\"prompt\":[" + Q + "],\"completion\":\"a\"",
                "\"prompt\":\"q\",\"completion\":[" + A + "]")) {
            assertEquals(List.of(expected), read("{" + parts + ",\"label\":true}"));
        }
        assertTrue(expected.isChat());
        assertEquals(
                List.of(user("q"), assistant("a"), user("q")),
                read("{\"prompt\":[" + Q + "," + A + "," + Q + "],\"completion\":\"b\",\"label\":false}")
                        .get(0)
                        .messages());
    }

    @Test
    void a_preference_is_two_ratings_of_one_record() throws IOException {
        List<Rating> read = read(
                "{\"prompt\":\"q\",\"chosen\":\"a\",\"rejected\":\"b\"}",
                "{\"prompt\":\"q\",\"completion\":\"c\",\"label\":false}",
                "{\"prompt\":\"q\",\"chosen\":\"d\",\"rejected\":\"e\"}");
        assertEquals(
                List.of("a", "b", "c", "d", "e"),
                read.stream().map(Rating::completion).toList());
        assertEquals(
                List.of(true, false, false, true, false),
                read.stream().map(Rating::isGood).toList());
        assertEquals(
                List.of(2, 1, 2), Rating.byRecord(read).stream().map(List::size).toList());
        assertEquals(List.of(), Rating.byRecord(List.of()));
    }

    @Test
    void no_more_lines_are_read_than_were_asked_for() throws IOException {
        Path file = Files.writeString(
                directory.resolve("b.jsonl"), "{\"prompt\":\"q\",\"chosen\":\"a\",\"rejected\":\"b\"}\n{");
        assertEquals(2, RatingReader.read(file, 1).size());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{\"prompt\":\"q\",\"completion\":\"a\"} | has no \"label\", but [prompt, completion]",
                "{\"prompt\":\"q\",\"completion\":\"a\",\"label\":null} | has null as \"label\"; a rating has",
                "{\"prompt\":\"q\",\"label\":true} | has no \"completion\"",
                "{\"completion\":\"a\",\"label\":true} | has no \"prompt\"",
                "{\"prompt\":\"q\",\"completion\":\"a\",\"label\":1} | has 1 as \"label\"",
                "{\"prompt\":\"q\",\"completion\":\"a\",\"label\":\"true\"} | as \"label\", which is to be true",
                "{\"prompt\":\"q\",\"completion\":\"a\",\"label\":[true]} | as \"label\", which is to be true",
                "{\"prompt\":\"q\",\"completion\":\"\",\"label\":true} | its completion is empty",
                "{\"prompt\":[Q],\"completion\":\"\",\"label\":true} | its completion is empty",
                "{\"prompt\":\"\",\"completion\":\"a\",\"label\":true} | has neither",
                "{\"prompt\":5,\"completion\":\"a\",\"label\":true} | as \"prompt\", which is no text",
                "{\"prompt\":\"q\",\"completion\":5,\"label\":true} | as \"completion\", which is no text",
                "{\"prompt\":[Q,A],\"completion\":\"a\",\"label\":true} | message 2, the last of a prompt",
                "{\"prompt\":[A],\"completion\":\"a\",\"label\":true} | message 1 is of the role assistant",
                "{\"prompt\":[Q],\"completion\":[A,Q],\"label\":true} | has 2 messages as \"completion\"",
                "{\"prompt\":[Q],\"completion\":[],\"label\":true} | has 0 messages as \"completion\"",
                "{\"prompt\":[Q],\"completion\":[Q],\"label\":true} | one of the assistant was expected",
                "{\"prompt\":\"q\",\"chosen\":\"a\",\"rejected\":\"b\",\"label\":true} | answers of two forms",
                "{\"prompt\":\"q\",\"chosen\":\"a\",\"rejected\":\"a\"} | are the same"
            })
    void other_records_are_refused_with_their_line(String line, String expected) {
        String text = line.replace("[Q", "[" + Q)
                .replace(",Q", "," + Q)
                .replace("[A", "[" + A)
                .replace(",A", "," + A);
        Exception e = assertThrows(Exception.class, () -> read("", text));
        String message = String.valueOf(e.getMessage());
        assertTrue(e instanceof PeftFailure, message);
        assertTrue(message.startsWith(directory.resolve("a.jsonl").toString()) && message.contains("line 2"), message);
        assertTrue(message.contains(expected), message);
        assertTrue(message.endsWith("."), message);
    }
}
