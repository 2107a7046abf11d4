package dev.peft4j.models;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.error.BadFileException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Where generation stops, and what training puts at the end, by the files of a directory. */
class EndTokensTest {
    private static final int SIZE = 1000;

    @TempDir
    Path directory;

    private void write(String name, String json) throws IOException {
        Files.writeString(directory.resolve(name), json);
    }

    private void tokenizer(String kind) throws IOException {
        Files.copy(Fixtures.tokenizer(kind), directory.resolve("tokenizer.json"));
    }

    private int learnt() throws IOException {
        try (TextTokenizer tokenizer = TextTokenizer.open(directory, SIZE)) {
            return tokenizer.endToken();
        }
    }

    @Test
    void the_generation_config_comes_before_the_config() throws IOException {
        assertEquals(Set.of(), EndTokens.of(directory, SIZE));
        write("config.json", "{\"model_type\":\"llama\",\"eos_token_id\":2}");
        assertEquals(Set.of(2), EndTokens.of(directory, SIZE));
        write("generation_config.json", "{\"eos_token_id\":[7,8]}");
        assertEquals(Set.of(7, 8), EndTokens.of(directory, SIZE));
        write("generation_config.json", "{\"eos_token_id\":null}");
        assertEquals(Set.of(2), EndTokens.of(directory, SIZE));
    }

    @Test
    void generation_also_stops_at_the_end_token_of_the_tokenizer() throws IOException {
        tokenizer("llama");
        write("config.json", "{\"model_type\":\"llama\",\"eos_token_id\":5}");
        write("tokenizer_config.json", "{\"eos_token\":\"</s>\"}");
        assertEquals(Set.of(5, 2), EndTokens.of(directory, SIZE));
        assertEquals(2, learnt());
        write("special_tokens_map.json", "{\"eos_token\":{\"content\":\"<s>\"}}"); // is read over the other
        assertEquals(Set.of(5, 1), EndTokens.of(directory, SIZE));
        assertEquals(1, learnt());
        write("tokenizer_config.json", "{\"eos_token\":\"</s>\",\"added_tokens_decoder\":{}}"); // and not here
        assertEquals(Set.of(5, 2), EndTokens.of(directory, SIZE));
        assertEquals(2, learnt());
    }

    @Test
    void a_gpt2_directory_needs_no_other_file_for_its_end_token() throws IOException {
        tokenizer("gpt2");
        write("config.json", "{\"model_type\":\"gpt2\"}");
        assertEquals(Set.of(0), EndTokens.of(directory, SIZE));
        assertEquals(0, learnt());
    }

    @Test
    void training_takes_the_first_end_token_of_the_model_where_the_tokenizer_has_none() throws IOException {
        tokenizer("llama");
        write("config.json", "{\"model_type\":\"llama\",\"eos_token_id\":[9,2]}");
        assertEquals(9, learnt());
        write("generation_config.json", "{\"eos_token_id\":[4,9]}");
        assertEquals(4, learnt());
    }

    @Test
    void the_end_token_of_a_unigram_tokenizer_is_found() throws IOException {
        tokenizer("t5");
        write("tokenizer_config.json", "{\"tokenizer_class\":\"T5Tokenizer\"}");
        assertEquals(Set.of(1), EndTokens.of(directory, SIZE));
        assertEquals(1, learnt());
    }

    @ParameterizedTest
    @ValueSource(strings = {"\"2\"", "2.5", "[2,true]", "[null]", "{}", "true", "1e400"})
    void what_is_no_id_is_refused(String id) throws IOException {
        write("generation_config.json", "{\"eos_token_id\":" + id + "}");
        String message = assertThrows(BadFileException.class, () -> EndTokens.of(directory, SIZE))
                .getMessage();
        assertTrue(
                message.contains("generation_config.json")
                        && message.contains("eos_token_id")
                        && message.contains("999"),
                message);
    }

    /** Small models have the end token of a large vocabulary, and -1 is none: transformers never meets these. */
    @ParameterizedTest
    @ValueSource(strings = {"1000", "-1", "50256", "[-1,1000]"})
    void an_id_that_is_not_in_the_vocabulary_is_never_met(String id) throws IOException {
        tokenizer("llama");
        write("config.json", "{\"model_type\":\"llama\",\"eos_token_id\":" + id + "}");
        assertEquals(Set.of(), EndTokens.of(directory, SIZE));
        assertEquals(-1, learnt());
        write(
                "generation_config.json",
                "{\"eos_token_id\":[2," + id.replace("[", "").replace("]", "") + "]}");
        assertEquals(Set.of(2), EndTokens.of(directory, SIZE));
        assertEquals(2, learnt());
    }

    @ParameterizedTest
    @ValueSource(strings = {"null", "[]", "", "{\"eos_token_id\":"})
    void a_damaged_file_is_refused(String json) throws IOException {
        write("generation_config.json", json);
        assertThrows(BadFileException.class, () -> EndTokens.of(directory, SIZE));
    }

    @Test
    void a_damaged_tokenizer_is_an_error_of_whoever_opens_it() throws IOException {
        write("config.json", "{\"eos_token_id\":3}");
        write("tokenizer_config.json", "{\"eos_token\":\"</s>\"}");
        write("tokenizer.json", "{\"model\":{\"vocab\":[[");
        assertEquals(Set.of(3), EndTokens.of(directory, SIZE));
        assertThrows(BadFileException.class, () -> TextTokenizer.open(directory, SIZE));
    }
}
