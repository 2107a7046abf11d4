package dev.peft4j.models.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.data.Batch;
import dev.peft4j.core.data.Example;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.data.ProblemType;
import dev.peft4j.core.data.Targets;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.models.TextTokenizer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** In every task a record that is too long is counted as cut once, and one that fits exactly is not. */
class CutTest {
    private static final String TEXT = "the small fox saw the river near the hill";
    private static final Labels NUMBERS = new Labels(ProblemType.REGRESSION, 1, List.of());
    private static final Labels TAGS = new Labels(ProblemType.SINGLE_LABEL_CLASSIFICATION, 2, List.of("B-X", "O"));

    @TempDir
    Path directory;

    private TextTokenizer open() throws Exception {
        Path file = Path.of(Objects.requireNonNull(getClass().getResource("/tokenizers/bert/tokenizer.json"))
                .toURI());
        Files.copy(file, directory.resolve("tokenizer.json"));
        Files.writeString(directory.resolve("tokenizer_config.json"), "{\"tokenizer_class\":\"BertTokenizer\"}");
        return TextTokenizer.open(directory, 1000);
    }

    static Stream<Arguments> records() {
        Labels classes = Labels.numbered(2);
        return Stream.of(
                Arguments.of("text", TaskType.CAUSAL_LM, classes, new TextRecord("", TEXT, null)),
                Arguments.of("completion", TaskType.CAUSAL_LM, classes, new TextRecord("the fox ", TEXT, null)),
                Arguments.of("class", TaskType.SEQ_CLS, classes, new TextRecord("", TEXT, "1")),
                Arguments.of("class of a pair", TaskType.SEQ_CLS, classes, new TextRecord("the fox", TEXT, "1")),
                Arguments.of("number", TaskType.SEQ_CLS, NUMBERS, new TextRecord("", TEXT, "0.5")),
                Arguments.of("tags", TaskType.TOKEN_CLS, TAGS, new TextRecord("", TEXT, "O O B-X O O B-X O O B-X")),
                Arguments.of("answer", TaskType.QUESTION_ANS, classes, new TextRecord("who", TEXT + " " + TEXT, "fox")),
                Arguments.of("second of two", TaskType.FEATURE_EXTRACTION, classes, new TextRecord("fox", TEXT, null)),
                Arguments.of("first of two", TaskType.FEATURE_EXTRACTION, classes, new TextRecord(TEXT, "fox", null)),
                Arguments.of("hidden tokens", TaskType.MASKED_LM, classes, new TextRecord("", TEXT, null)));
    }

    private static int longest(RecordEncoder.Encoded encoded) {
        return encoded.examples().stream().mapToInt(CutTest::longest).max().orElseThrow();
    }

    private static int longest(Example e) {
        return e instanceof PackedBatch.Pair pair
                ? Math.max(pair.anchor().length(), pair.positive().length())
                : e.length();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("records")
    void a_record_that_fits_is_not_cut_and_one_token_more_is(
            String name, TaskType task, Labels labels, TextRecord record) throws Exception {
        try (TextTokenizer tokenizer = open()) {
            RecordEncoder.Encoded whole = new RecordEncoder(tokenizer, task, 500, labels).encode(List.of(record));
            int length = longest(whole);
            assertEquals(0, whole.cut());
            RecordEncoder.Encoded exact = new RecordEncoder(tokenizer, task, length, labels).encode(List.of(record));
            assertEquals(0, exact.cut());
            assertEquals(length, longest(exact));
            RecordEncoder.Encoded cut =
                    new RecordEncoder(tokenizer, task, length - 1, labels).encode(List.of(record, record));
            assertEquals(2, cut.cut());
            assertEquals(0, cut.dropped());
            assertEquals(length - 1, longest(cut));
        }
    }

    @Test
    void the_token_behind_a_text_stays_where_tags_and_hidden_tokens_are_cut() throws Exception {
        try (TextTokenizer tokenizer = open()) {
            for (TaskType task : List.of(TaskType.TOKEN_CLS, TaskType.MASKED_LM)) {
                TextRecord record = new TextRecord("", TEXT, "O O B-X O O B-X O O B-X");
                Example e = new RecordEncoder(tokenizer, task, 6, TAGS)
                        .encode(List.of(record))
                        .examples()
                        .get(0);
                PackedBatch batch = (PackedBatch) Batch.of(List.of(e));
                int[] labels = ((Targets.PerToken) batch.targets()).labels();
                assertEquals(6, batch.tokens());
                assertEquals(3, batch.ids()[5]);
                assertEquals(Targets.IGNORE, labels[5]);
                assertEquals(Targets.IGNORE, labels[0]);
            }
        }
    }

    @Test
    void tags_of_which_the_cut_leaves_none_are_dropped() throws Exception {
        try (TextTokenizer tokenizer = open()) {
            RecordEncoder encoder = new RecordEncoder(tokenizer, TaskType.TOKEN_CLS, 2, TAGS);
            TextRecord record = new TextRecord("", "fox fox", "O O", "a.jsonl, line 1");
            String message =
                    String.valueOf(assertThrows(IllegalArgumentException.class, () -> encoder.encode(List.of(record)))
                            .getMessage());
            assertTrue(message.contains("none of 1 records has a token to learn from within 2"), message);
        }
    }
}
