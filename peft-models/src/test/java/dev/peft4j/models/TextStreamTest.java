package dev.peft4j.models;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Texts that come token by token. */
class TextStreamTest {
    private static final String TEXT = "the fox wasn't lost . Grüße, 狐 👋🏽 isn 't it ? the end";

    @TempDir
    Path directory;

    static List<String> kinds() throws IOException {
        return Fixtures.kinds();
    }

    private TextTokenizer open(String kind, String settings) throws IOException {
        Files.copy(Fixtures.tokenizer(kind), directory.resolve("tokenizer.json"));
        Files.writeString(directory.resolve("tokenizer_config.json"), settings);
        return TextTokenizer.open(directory, 100_000);
    }

    private static void check(TextTokenizer tokenizer, int prompt) {
        int[] ids = tokenizer.encode(TEXT, false);
        int[] start = Arrays.copyOf(ids, Math.min(prompt, ids.length));
        TextStream stream = new TextStream(tokenizer, start);
        StringBuilder told = new StringBuilder();
        boolean unknown = tokenizer.decode(ids).indexOf('\uFFFD') >= 0;
        for (int i = start.length; i < ids.length; i++) {
            String piece = stream.add(ids[i]);
            assertTrue(unknown || piece.indexOf('\uFFFD') < 0, () -> "half a character: " + piece);
            assertFalse(!piece.isEmpty() && Character.isHighSurrogate(piece.charAt(piece.length() - 1)));
            told.append(piece);
        }
        told.append(stream.end());
        assertEquals(told.toString(), stream.text());
        assertEquals("", stream.end());
        String all = tokenizer.decode(ids);
        String before = tokenizer.decode(start);
        assertTrue(all.endsWith(told.toString()), () -> all + " does not end with " + told);
        assertTrue(
                !all.startsWith(before) || (before + told).equals(all), () -> before + "|" + told + " is not " + all);
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void the_pieces_are_the_whole_text(String kind) throws IOException {
        try (TextTokenizer tokenizer = open(kind, "{}")) {
            for (int prompt : new int[] {0, 1, 2, 5}) {
                check(tokenizer, prompt);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"true", "false"})
    void spaces_that_are_cleaned_up_do_not_come_before_it_is_known(String cleansUp) throws IOException {
        try (TextTokenizer tokenizer = open("bert", "{\"clean_up_tokenization_spaces\": " + cleansUp + "}")) {
            check(tokenizer, 0);
            check(tokenizer, 3);
        }
    }
}
