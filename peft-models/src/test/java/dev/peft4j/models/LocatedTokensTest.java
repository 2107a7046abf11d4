package dev.peft4j.models;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which characters tokens stand for, and which special tokens a directory names. */
class LocatedTokensTest {
    private static final String TEXT = "the fox \ud83d\ude00\ud83d\ude00 caf\u00e9 was\n lost  ";

    @TempDir
    Path directory;

    @ParameterizedTest
    @ValueSource(strings = {"gpt2", "qwen2", "llama", "llama-metaspace", "gemma", "bert", "t5", "roberta", "deepseek"})
    void places_cover_the_text_in_order(String kind) throws IOException {
        Files.copy(Fixtures.tokenizer(kind), directory.resolve("tokenizer.json"));
        try (TextTokenizer tokenizer = TextTokenizer.open(directory, 1000)) {
            TextTokenizer.Located tokens = tokenizer.locate(TEXT);
            assertArrayEquals(tokenizer.encode(TEXT, false), tokens.ids());
            boolean[] covered = new boolean[TEXT.length()];
            int last = 0;
            for (int i = 0; i < tokens.ids().length; i++) {
                assertTrue(tokens.begins()[i] >= last && tokens.begins()[i] <= tokens.ends()[i]);
                last = tokens.begins()[i];
                for (int c = tokens.begins()[i]; c < tokens.ends()[i]; c++) {
                    covered[c] = true;
                }
            }
            for (int c = 0; c < TEXT.length(); c++) {
                assertTrue(covered[c] || Character.isWhitespace(TEXT.charAt(c)), kind + ", character " + c);
            }
        }
    }

    @Test
    void characters_outside_of_the_first_plane_are_two_chars() throws IOException {
        Files.copy(Fixtures.tokenizer("qwen2"), directory.resolve("tokenizer.json"));
        try (TextTokenizer tokenizer = TextTokenizer.open(directory, 1000)) {
            TextTokenizer.Located tokens = tokenizer.locate("\ud83d\ude00<|im_end|>");
            int last = tokens.ids().length - 1;
            assertEquals(2, tokens.ids()[last]);
            assertEquals(2, tokens.begins()[last]);
            assertEquals(12, tokens.ends()[last]);
            assertEquals(0, tokens.begins()[0]);
            assertEquals(2, tokens.ends()[last - 1]);
            assertEquals(0, tokenizer.locate("").ids().length);
            assertThrows(IllegalArgumentException.class, () -> tokenizer.locate("a\ud83d"));
        }
    }

    @Test
    void special_tokens_are_named_by_files_or_the_class() throws IOException {
        assertEquals(Map.of(), TextTokenizer.specialTokens(directory));
        Files.writeString(
                directory.resolve("tokenizer_config.json"),
                "{\"tokenizer_class\": \"Qwen2Tokenizer\", \"eos_token\": \"<|im_end|>\", \"pad_token\": {\"content\": \"<p>\"}}");
        Map<String, String> tokens = TextTokenizer.specialTokens(directory);
        assertEquals("<|im_end|>", tokens.get("eos_token"));
        assertEquals("<p>", tokens.get("pad_token"));
    }
}
