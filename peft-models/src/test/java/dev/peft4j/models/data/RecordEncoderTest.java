package dev.peft4j.models.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.data.Targets;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.models.TextTokenizer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Records as labelled token sequences: each special token once, and what is longer than asked for cut. */
class RecordEncoderTest {
    private static final int IGNORE = -100;

    @TempDir
    Path directory;

    private TextTokenizer open(String kind, String settings) throws Exception {
        Path file = Path.of(Objects.requireNonNull(getClass().getResource("/tokenizers/" + kind + "/tokenizer.json"))
                .toURI());
        Files.copy(file, directory.resolve("tokenizer.json"));
        Files.writeString(directory.resolve("tokenizer_config.json"), settings);
        return TextTokenizer.open(directory, 1000);
    }

    private static PackedBatch.Sequence only(RecordEncoder encoder, String prompt, String text) {
        return first(encoder.encode(List.of(new TextRecord(prompt, text, "1"))));
    }

    private static PackedBatch.Sequence first(RecordEncoder.Encoded encoded) {
        return (PackedBatch.Sequence) encoded.examples().get(0);
    }

    @ParameterizedTest
    @CsvSource({"llama", "llama-metaspace"}) // the second puts an end token behind every text
    void prompt_and_completion_have_one_start_and_one_end(String kind) throws Exception {
        try (TextTokenizer tokenizer = open(kind, "{\"eos_token\":\"</s>\"}")) {
            RecordEncoder encoder = new RecordEncoder(tokenizer, TaskType.CAUSAL_LM, 100);
            PackedBatch.Sequence record = only(encoder, "the fox", "was lost");
            int[] ids = record.ids();
            int prompt = tokenizer.encodePrompt("the fox").length;
            assertEquals(1, ids[0]);
            assertEquals(2, ids[ids.length - 1]);
            assertEquals(2, Arrays.stream(ids).filter(id -> id == 1 || id == 2).count());
            int[] labels = ids.clone();
            Arrays.fill(labels, 0, prompt, IGNORE);
            assertArrayEquals(labels, labels(record));

            PackedBatch.Sequence text = only(encoder, "", "was lost");
            assertArrayEquals(text.ids(), labels(text));
            assertEquals(1, text.ids()[0]);
            assertEquals(2, text.ids()[text.length() - 1]);
            assertEquals(
                    2,
                    Arrays.stream(text.ids()).filter(id -> id == 1 || id == 2).count());
        }
    }

    @Test
    void the_end_token_of_the_model_is_learnt_where_the_tokenizer_names_none() throws Exception {
        Files.writeString(directory.resolve("generation_config.json"), "{\"eos_token_id\":[2,5]}");
        try (TextTokenizer tokenizer = open("llama", "{\"bos_token\":\"<s>\"}")) {
            int[] ids = only(new RecordEncoder(tokenizer, TaskType.CAUSAL_LM, 100), "the fox", "was lost")
                    .ids();
            assertEquals(2, ids[ids.length - 1]);
        }
    }

    @Test
    void records_are_cut_and_counted() throws Exception {
        try (TextTokenizer tokenizer = open("llama", "{\"eos_token\":\"</s>\"}")) {
            List<TextRecord> records = List.of(
                    new TextRecord("the fox", "was lost", null),
                    new TextRecord("the small fox saw the river near the hill", "a", null));
            int[] whole = only(new RecordEncoder(tokenizer, TaskType.CAUSAL_LM, 100), "the fox", "was lost")
                    .ids();
            RecordEncoder.Encoded fits = new RecordEncoder(tokenizer, TaskType.CAUSAL_LM, whole.length).encode(records);
            assertEquals(1, fits.cut());
            assertEquals(1, fits.dropped());
            assertArrayEquals(whole, first(fits).ids());
            RecordEncoder.Encoded cut =
                    new RecordEncoder(tokenizer, TaskType.CAUSAL_LM, whole.length - 1).encode(records);
            assertEquals(2, cut.cut());
            assertArrayEquals(Arrays.copyOf(whole, whole.length - 1), first(cut).ids());
        }
    }

    @Test
    void texts_to_classify_keep_their_special_tokens_when_they_are_cut() throws Exception {
        try (TextTokenizer tokenizer = open("bert", "{\"tokenizer_class\":\"BertTokenizer\"}")) {
            String text = "the small fox saw the river near the hill";
            int[] whole = tokenizer.encode(text, true);
            for (int most : new int[] {2, 4, whole.length - 1, whole.length}) {
                RecordEncoder encoder = new RecordEncoder(tokenizer, TaskType.SEQ_CLS, most);
                RecordEncoder.Encoded encoded = encoder.encode(List.of(new TextRecord("", text, "1")));
                int[] ids = first(encoded).ids();
                assertEquals(most < whole.length ? 1 : 0, encoded.cut());
                assertEquals(most, ids.length);
                assertEquals(2, ids[0]);
                assertEquals(3, ids[most - 1]);
            }
            RecordEncoder short1 = new RecordEncoder(tokenizer, TaskType.SEQ_CLS, 1);
            String message = assertThrows(IllegalArgumentException.class, () -> only(short1, "", text))
                    .getMessage();
            assertTrue(message.contains("special ones"), message);
        }
    }

    @Test
    void a_line_of_many_megabytes_is_encoded_in_no_time() throws Exception {
        try (TextTokenizer tokenizer = open("llama", "{\"eos_token\":\"</s>\"}")) {
            RecordEncoder encoder = new RecordEncoder(tokenizer, TaskType.CAUSAL_LM, 512);
            String line = "a".repeat(15_000_000);
            RecordEncoder.Encoded encoded = Assertions.assertTimeout(
                    Duration.ofSeconds(5), () -> encoder.encode(List.of(new TextRecord("the fox", line, null))));
            assertEquals(512, encoded.examples().get(0).length());
            assertEquals(1, encoded.cut());
        }
    }

    @Test
    void an_error_of_a_text_is_told() throws Exception {
        try (TextTokenizer tokenizer = open("gpt2", "{}")) {
            RecordEncoder encoder = new RecordEncoder(tokenizer, TaskType.CAUSAL_LM, 50);
            assertThrows(IllegalArgumentException.class, () -> only(encoder, "", "a\ud800"));
        }
    }

    private static int[] labels(PackedBatch.Sequence s) {
        return ((Targets.PerToken) s.targets()).labels();
    }
}
