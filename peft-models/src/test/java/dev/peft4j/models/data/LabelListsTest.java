package dev.peft4j.models.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeout;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.data.ProblemType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Lists of labels are read as lists, and two texts are never one label without a word. */
class LabelListsTest {
    @TempDir
    Path dir;

    private List<TextRecord> read(String name, String... lines) throws IOException {
        return RecordReader.defaults().read(Files.write(dir.resolve(name), List.of(lines)));
    }

    private static void refused(String expected, Executable action) {
        String message = String.valueOf(
                assertThrows(IllegalArgumentException.class, action).getMessage());
        assertTrue(message.contains(expected), () -> "expected \"" + expected + "\" in: " + message);
    }

    private static List<String> tags(Labels labels, TextRecord record) {
        return IntStream.of(labels.tagsOf(record)).mapToObj(labels::name).toList();
    }

    @Test
    void tags_of_a_json_list_are_what_they_are_with_commas_spaces_and_quotes() throws IOException {
        List<TextRecord> records = read(
                "a.jsonl",
                "{\"tokens\":[\"a\",\"b\",\"c\"],\"tags\":[\"B-PER, big\",\"O O\",\"a\\\"]\"]}",
                "{\"tokens\":[\"a\"],\"tags\":[\"O O\"]}");
        Labels labels = Labels.ofTags(records);
        assertEquals(List.of("B-PER, big", "O O", "a\"]"), labels.names());
        assertEquals(List.of("B-PER, big", "O O", "a\"]"), tags(labels, records.get(0)));
        assertEquals(List.of("O O"), tags(labels, records.get(1)));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "[\"O\",null] | at place 2",
                "[\"O\",[\"O\"]] | at place 2",
                "[{\"a\":1},\"O\"] | at place 1",
                "[\"O\",\"\"] | an empty one at place 2"
            })
    void a_null_a_list_and_an_object_in_a_list_are_refused_with_their_line(String tags, String expected)
            throws IOException {
        List<TextRecord> records = read(
                "a.jsonl", "{\"tokens\":[\"a\"],\"tags\":[\"O\"]}", "{\"tokens\":[\"a\",\"b\"],\"tags\":" + tags + "}");
        refused("a.jsonl, line 2: the l", () -> Labels.ofTags(records));
        refused(expected, () -> Labels.ofTags(records));
    }

    @ParameterizedTest
    @CsvSource(
            quoteCharacter = '`',
            delimiter = '|',
            value = {
                "['machine learning', 'nlp']",
                "['nlp']",
                "['machine learning' 'nlp']",
                "['nlp', \"\"it's new\"\"]",
                "[\"\"machine learning\"\" \"\"nlp\"\"]"
            })
    void a_list_as_python_prints_it_is_refused_with_its_line(String list) throws IOException {
        List<TextRecord> records = read("a.csv", "text,label", "a,\"[\"\"nlp\"\"]\"", "b,\"" + list + "\"");
        refused("a.csv, line 3: the labels [", () -> LabelText.parts(records.get(1)));
        refused("Write it as JSON, such as [\"machine learning\", \"nlp\"]", () -> LabelText.parts(records.get(1)));
    }

    @Test
    void numbers_of_tags_are_classes_also_where_the_names_are_the_numbers() throws IOException {
        List<TextRecord> records = read(
                "a.jsonl",
                "{\"tokens\":[\"a\",\"b\",\"c\"],\"ner_tags\":[0,3,1]}",
                "{\"tokens\":[\"a\"],\"ner_tags\":[2.0]}");
        Labels found = Labels.ofTags(records);
        assertEquals(4, found.outputs());
        Labels named = new Labels(ProblemType.SINGLE_LABEL_CLASSIFICATION, 4, List.of("0", "1", "2", "3"));
        Labels turned = new Labels(ProblemType.SINGLE_LABEL_CLASSIFICATION, 4, List.of("3", "2", "1", "0"));
        Labels words = new Labels(ProblemType.SINGLE_LABEL_CLASSIFICATION, 4, List.of("O", "B", "I", "E"));
        for (Labels labels : List.of(found, named, words)) {
            assertArrayEquals(new int[] {0, 3, 1}, labels.tagsOf(records.get(0)));
            assertArrayEquals(new int[] {2}, labels.tagsOf(records.get(1)));
        }
        assertArrayEquals(new int[] {3, 0, 2}, turned.tagsOf(records.get(0)));
        refused("a.jsonl, line 1: the label 3", () -> Labels.ofTags(records.subList(0, 1), 3));
    }

    @Test
    void several_labels_of_a_json_list_are_what_they_are() throws IOException {
        List<TextRecord> records = read(
                "a.jsonl",
                "{\"text\":\"x\",\"labels\":[\"a, b\",\"c\"]}",
                "{\"text\":\"x\",\"labels\":[]}",
                "{\"text\":\"x\",\"labels\":[\"c\"]}");
        Labels labels = Labels.ofSets(records);
        assertEquals(List.of("a, b", "c"), labels.names());
        assertArrayEquals(new float[] {1, 1}, labels.valuesOf(records.get(0)));
        assertArrayEquals(new float[] {0, 0}, labels.valuesOf(records.get(1)));
        assertArrayEquals(new float[] {0, 1}, labels.valuesOf(records.get(2)));
        TextRecord other = new TextRecord("", "x", "[\"d\"]", "b.jsonl, line 7");
        refused("b.jsonl, line 7: the label d was found; the labels are [a, b, c]", () -> labels.valuesOf(other));
    }

    @Test
    void fields_of_a_table_are_split_at_commas_and_spaces() throws IOException {
        List<TextRecord> records =
                read("a.csv", "text,label", "a b c,O B-X  I-X", "a b,\"O, B-X\"", "a b,\"[O, B-X]\"");
        Labels labels = Labels.ofTags(records);
        assertEquals(List.of("B-X", "I-X", "O"), labels.names());
        assertEquals(List.of("O", "B-X", "I-X"), tags(labels, records.get(0)));
        assertEquals(List.of("O", "B-X"), tags(labels, records.get(1)));
        assertEquals(List.of("O", "B-X"), tags(labels, records.get(2)));
        refused("an empty one at place 2", () -> labels.tagsOf(new TextRecord("", "a b c", "O,,O")));
    }

    @Test
    void a_list_without_an_end_is_no_trap() {
        Labels two = Labels.numbered(2);
        for (String text : List.of("[".repeat(200_000) + "]", "[".repeat(3000) + "]".repeat(3000), "[1", "[\"a]")) {
            refused("the label", () -> two.tagsOf(new TextRecord("", "a", text)));
        }
    }

    @ParameterizedTest
    @CsvSource({"01,1", "+1,1", "1.0,1", "1,1e0", "1.,1", "-0,0", "0x1,1", "'\u0661',1"})
    void two_texts_are_two_classes_or_an_error(String a, String b) {
        List<TextRecord> records = List.of(
                new TextRecord("", "x", a, "line 1"),
                new TextRecord("", "y", b, "line 2"),
                new TextRecord("", "z", "7", "line 3"));
        for (boolean ofTags : new boolean[] {false, true}) {
            Labels labels;
            try {
                labels = ofTags ? Labels.ofTags(records) : Labels.ofClasses(records);
            } catch (IllegalArgumentException e) {
                String message = String.valueOf(e.getMessage());
                assertTrue(message.matches("line [12]: the labels .* two texts .* Write it in one way .*"), message);
                continue;
            }
            assertEquals(
                    3,
                    records.stream().mapToInt(labels::classOf).distinct().count(),
                    () -> labels.names() + " of " + a);
            assertEquals(a, labels.name(labels.classOf(records.get(0))));
        }
    }

    @Test
    void numbers_that_json_writes_in_two_ways_are_one_class() throws IOException {
        List<TextRecord> records = read(
                "a.jsonl",
                "{\"text\":\"x\",\"label\":1}",
                "{\"text\":\"y\",\"label\":1.0}",
                "{\"text\":\"z\",\"label\":0}");
        Labels labels = Labels.ofClasses(records);
        labels.requireOneText(records, false);
        assertEquals(2, labels.outputs());
        assertEquals(1, labels.classOf(records.get(1)));
    }

    @Test
    void a_class_is_named_in_one_way_where_a_checkpoint_has_names() {
        Labels named = new Labels(ProblemType.SINGLE_LABEL_CLASSIFICATION, 2, List.of("neg", "pos"));
        List<TextRecord> both =
                List.of(new TextRecord("", "x", "pos", "line 1"), new TextRecord("", "y", "1", "line 2"));
        refused("line 2: the labels pos and 1 were found", () -> named.requireOneText(both, false));
        named.requireOneText(both.subList(0, 1), false);
    }

    @Test
    void thousands_of_classes_are_found_in_no_time() {
        List<String> names =
                IntStream.range(0, 200_000).mapToObj(i -> "class " + i).toList();
        Labels labels = new Labels(ProblemType.SINGLE_LABEL_CLASSIFICATION, names.size(), names);
        assertEquals(names, labels.names());
        assertTimeout(Duration.ofSeconds(20), () -> {
            for (int i = 0; i < names.size(); i++) {
                assertEquals(i, labels.classOf(new TextRecord("", "x", names.get(i))));
            }
        });
    }
}
