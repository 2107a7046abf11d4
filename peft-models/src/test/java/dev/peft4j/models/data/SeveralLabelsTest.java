package dev.peft4j.models.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.data.ProblemType;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.models.ModelInfo;
import dev.peft4j.models.NewHead;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** Records with lists of labels have several, and are no classes of combinations. */
class SeveralLabelsTest {
    @TempDir
    Path dir;

    private static ModelInfo bert(@Nullable ProblemType problem, int head) {
        return new ModelInfo(
                "bert", TaskType.SEQ_CLS, problem, head, List.of(), "classifier", new NewHead(List.of(), false));
    }

    private List<TextRecord> read(String name, String... lines) throws IOException {
        return RecordReader.defaults().read(Files.write(dir.resolve(name), List.of(lines)));
    }

    private static Labels learnt(ModelInfo model, int asked, List<TextRecord> records) throws IOException {
        return Classes.of(model, asked, List.of(), records);
    }

    private static void refused(String expected, Executable action) {
        String message = String.valueOf(
                assertThrows(IllegalArgumentException.class, action).getMessage());
        assertTrue(message.contains(expected), () -> "expected \"" + expected + "\" in: " + message);
    }

    @Test
    void lists_are_several_labels_with_one_output_each() throws IOException {
        List<TextRecord> records = read(
                "a.jsonl",
                "{\"text\":\"a\",\"labels\":[\"DESC\",\"odd\"]}",
                "{\"text\":\"b\",\"labels\":[]}",
                "{\"text\":\"c\",\"labels\":[\"ABBR\",\"odd\"]}");
        for (ModelInfo model : List.of(bert(null, 0), bert(null, 3))) {
            Labels labels = learnt(model, 0, records);
            assertEquals(new Labels(ProblemType.MULTI_LABEL_CLASSIFICATION, 3, List.of("ABBR", "DESC", "odd")), labels);
            assertArrayEquals(new float[] {0, 1, 1}, labels.valuesOf(records.get(0)));
            assertArrayEquals(new float[3], labels.valuesOf(records.get(1)));
            assertEquals(
                    List.of(
                            "3 labels, of which a record has any number: ABBR 1 (33.3 %), DESC 1 (33.3 %), odd 2 (66.7 %)"),
                    Classes.shares(model, labels, records));
        }
        List<TextRecord> table = read("a.csv", "text,label", "a,\"[\"\"DESC\"\",\"\"odd\"\"]\"", "b,[]");
        assertEquals(List.of("DESC", "odd"), learnt(bert(null, 0), 0, table).names());
        refused("4 labels were asked for", () -> learnt(bert(null, 0), 4, records));
    }

    @Test
    void flags_of_labels_are_as_many_as_a_record_has() throws IOException {
        List<TextRecord> records =
                read("a.jsonl", "{\"text\":\"b\",\"labels\":[]}", "{\"text\":\"a\",\"labels\":[1,0,1]}");
        Labels labels = learnt(bert(null, 0), 0, records);
        assertEquals(new Labels(ProblemType.MULTI_LABEL_CLASSIFICATION, 3, List.of()), labels);
        assertArrayEquals(new float[3], labels.valuesOf(records.get(0)));
        assertEquals(Map.of("problem_type", "multi_label_classification"), Classes.notes(labels, Map.of()));
    }

    @Test
    void lists_and_single_labels_are_not_mixed() throws IOException {
        List<TextRecord> records =
                read("a.jsonl", "{\"text\":\"a\",\"labels\":[\"x\"]}", "{\"text\":\"b\",\"labels\":\"y\"}");
        refused("a.jsonl, line 2: the label y is no list", () -> learnt(bert(null, 0), 0, records));
        List<TextRecord> other = List.of(records.get(1), records.get(0));
        refused("a.jsonl, line 1: the label [\"x\"] is a list", () -> learnt(bert(null, 0), 0, other));
    }

    @Test
    void what_the_checkpoint_says_is_done_or_refused() throws IOException {
        List<TextRecord> lists = read("a.jsonl", "{\"text\":\"a\",\"labels\":[\"x\",\"y\"]}");
        refused(
                "line 1: the label [\"x\",\"y\"] is a list",
                () -> learnt(bert(ProblemType.SINGLE_LABEL_CLASSIFICATION, 2), 0, lists));
        List<TextRecord> numbers = read("b.jsonl", "{\"text\":\"a\",\"labels\":[0.5,2]}");
        assertEquals(
                ProblemType.REGRESSION,
                learnt(bert(ProblemType.REGRESSION, 2), 0, numbers).problem());
        refused("line 1: the labels are lists of numbers, and 0.5", () -> learnt(bert(null, 0), 0, numbers));
        List<TextRecord> one = read("c.jsonl", "{\"text\":\"a\",\"labels\":[0.5]}");
        assertEquals(ProblemType.REGRESSION, learnt(bert(null, 0), 1, one).problem());
        List<TextRecord> empty = read("d.jsonl", "{\"text\":\"a\",\"labels\":[]}");
        refused("the lists of all 1 records are empty", () -> learnt(bert(null, 0), 0, empty));
    }

    @Test
    void brackets_that_are_no_json_and_deep_ones_are_names() throws IOException {
        String deep = "[".repeat(5000) + "]".repeat(5000);
        List<TextRecord> records = List.of(new TextRecord("", "a", "[x, y]"), new TextRecord("", "b", deep));
        assertEquals(
                ProblemType.SINGLE_LABEL_CLASSIFICATION,
                learnt(bert(null, 0), 0, records).problem());
    }
}
