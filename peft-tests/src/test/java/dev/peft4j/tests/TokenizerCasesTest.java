package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.data.Targets;
import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.format.Json;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.models.TextTokenizer;
import dev.peft4j.models.data.RecordEncoder;
import dev.peft4j.models.data.TextRecord;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Tokenizers of the reference material on which the library was wrong. */
class TokenizerCasesTest {
    @TempDir
    Path dir;

    private static PackedBatch.Sequence encode(TextTokenizer tokenizer, String prompt, String text) {
        RecordEncoder encoder = new RecordEncoder(tokenizer, TaskType.CAUSAL_LM, 512);
        return (PackedBatch.Sequence) encoder.encode(List.of(new TextRecord(prompt, text, null)))
                .examples()
                .get(0);
    }

    @ParameterizedTest
    @ValueSource(strings = {"eos-only-in-config", "tokenizer-appends-eos"})
    void a_record_ends_with_one_end_token(String name) throws IOException {
        try (TextTokenizer tokenizer = TextTokenizer.open(Shared.require("cases/" + name + "/model"), 512)) {
            PackedBatch.Sequence record = encode(tokenizer, "Once upon", "a time");
            assertArrayEquals(new int[] {1, 403, 407, 261, 378, 2}, record.ids());
            assertArrayEquals(
                    new int[] {-100, -100, -100, 261, 378, 2}, ((Targets.PerToken) record.targets()).labels());
            assertArrayEquals(new int[] {1, 403, 407}, tokenizer.encodePrompt("Once upon"));
            int[] text = encode(tokenizer, "", tokenizer.decode(265, 280, 294)).ids();
            assertArrayEquals(new int[] {1, 265, 280, 294, 2}, text);
            assertEquals(2, tokenizer.endToken());
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "{\"do_lower_case\":false}; 2 6 8 9 10 3",
                "{\"do_lower_case\":true,\"strip_accents\":false}; 2 5 8 9 10 3",
                "{\"do_lower_case\":true,\"tokenize_chinese_chars\":false}; 2 5 7 11 3"
            })
    void settings_of_a_bert_tokenizer_change_its_ids(String settings, String ids) throws IOException {
        Path from = Shared.require("cases/tokenizer_config-overrides/bert");
        for (String file : List.of("config.json", "tokenizer.json")) {
            Files.copy(from.resolve(file), dir.resolve(file));
        }
        Map<String, Object> fields = Json.read(from.resolve("tokenizer_config.json"));
        fields.keySet().removeAll(List.of("do_lower_case", "strip_accents", "tokenize_chinese_chars"));
        fields.putAll(Json.parse(settings));
        Files.writeString(dir.resolve("tokenizer_config.json"), Json.print(fields));
        try (TextTokenizer tokenizer = TextTokenizer.open(dir, 12)) {
            int[] expected =
                    List.of(ids.split(" ")).stream().mapToInt(Integer::parseInt).toArray();
            assertArrayEquals(expected, tokenizer.encode("Hello café 中文", true));
        }
    }

    @Test
    void a_padding_token_behind_the_vocabulary_is_refused_in_a_text_only() throws IOException {
        try (TextTokenizer tokenizer =
                TextTokenizer.open(Shared.require("cases/pad-id-equals-vocab_size/model"), 512)) {
            assertArrayEquals(new int[] {1, 403, 407}, tokenizer.encode("Once upon", true));
            assertThrows(IllegalArgumentException.class, () -> tokenizer.encode("Once [PAD] upon", true));
        }
    }

    @ParameterizedTest
    @CsvSource({
        "tokenizer-abort/number.json, 512",
        "tokenizer-abort/template.json, 512",
        "tokenizer-ids-unchecked/post-processor.json, 512",
        "tokenizer-ids-unchecked/unigram.json, 20"
    })
    void a_tokenizer_that_ended_the_process_or_made_foreign_ids_is_refused(String name, int size) throws IOException {
        Files.copy(Shared.require("cases/reliability/" + name), dir.resolve("tokenizer.json"));
        assertThrows(BadFileException.class, () -> TextTokenizer.open(dir, size));
    }

    @Test
    void a_line_of_a_megabyte_is_encoded_to_its_first_tokens() throws IOException {
        try (TextTokenizer tokenizer = TextTokenizer.open(Shared.require("models/stories260k"), 512)) {
            int[] ids = tokenizer.encode("a".repeat(1_000_000), true);
            assertEquals(1_000_001, ids.length);
            int[] first = tokenizer.encode("a".repeat(1_000_000), true, 512);
            assertEquals(512, first.length);
            assertTrue(Arrays.equals(ids, 0, 512, first, 0, 512));
        }
    }
}
