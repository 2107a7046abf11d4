package dev.peft4j.models.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.data.ProblemType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LabelsTest {
    private static List<TextRecord> records(@Nullable String... labels) {
        List<TextRecord> all = new ArrayList<>();
        for (int i = 0; i < labels.length; i++) {
            all.add(new TextRecord("", "text " + i, labels[i], "train.csv, line " + (i + 2)));
        }
        return all;
    }

    private static void refused(String expected, Executable action) {
        String message = String.valueOf(
                assertThrows(IllegalArgumentException.class, action).getMessage());
        assertTrue(message.contains(expected), () -> "expected \"" + expected + "\" in: " + message);
    }

    /** Classes of the labels of the first column, as numbers, and their names. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "0 1 1 0 | 0 1 1 0 | ",
                "0.0 1.0 1.0 0.0 | 0 1 1 0 | ",
                "0 2 2 0 | 0 2 2 0 | ", // class 1 is in other records
                "1 2 5 1 | 0 1 2 0 | 1 2 5",
                "1.0 2 1.0 | 0 1 0 | 1 2",
                "-1 1 1 | 0 1 1 | -1 1",
                "10 9 9 | 1 0 0 | 9 10",
                "0 1000000 0 | 0 1 0 | 0 1000000",
                "pos neg pos | 1 0 1 | neg pos",
                "true false true | 1 0 1 | false true",
                "0 1 unknown 1 | 0 1 2 1 | 0 1 unknown"
            })
    void classes_are_what_the_labels_are(String labels, String classes, @Nullable String names) {
        List<TextRecord> records = records(labels.split(" "));
        Labels found = Labels.ofClasses(records);
        int[] expected =
                Arrays.stream(classes.split(" ")).mapToInt(Integer::parseInt).toArray();
        assertArrayEquals(expected, records.stream().mapToInt(found::classOf).toArray());
        assertEquals(names == null ? List.of() : List.of(names.split(" ")), found.names());
        assertEquals(
                names == null
                        ? Arrays.stream(expected).max().orElse(0) + 1
                        : found.names().size(),
                found.outputs());
    }

    @Test
    void labels_that_are_no_classes_are_refused_with_their_line() {
        refused("train.csv, line 3: the record has no label", () -> Labels.ofClasses(records("0", null, "1")));
        refused("train.csv, line 4: the record has no label", () -> Labels.ofClasses(records("0", "1", " ")));
        refused("train.csv, line 3: the label 0.5 lies between", () -> Labels.ofClasses(records("0", "0.5", "1")));
        refused("all records have the label 1", () -> Labels.ofClasses(records("1", "1")));
        refused("all records have the label a", () -> Labels.ofClasses(records("a", "a")));
        String[] ids = new String[100];
        Arrays.setAll(ids, i -> "id" + i);
        refused("too many to be classes", () -> Labels.ofClasses(records(ids)));
    }

    @Test
    void labels_beyond_the_classes_are_refused_with_their_line() {
        Labels three = Labels.numbered(3);
        assertEquals(2, three.classOf(records("2.0").get(0)));
        for (String wrong : List.of("3", "-1", "2.5", "a", "99999999999", "1e400000000", "NaN")) {
            refused(
                    "train.csv, line 2: the label " + wrong,
                    () -> three.classOf(records(wrong).get(0)));
        }
        Labels named = new Labels(ProblemType.SINGLE_LABEL_CLASSIFICATION, 2, List.of("neg", "pos"));
        assertEquals(1, named.classOf(records("pos").get(0)));
        assertEquals(1, named.classOf(records("1").get(0)), "numbers of named classes");
        refused("Did you mean pos", () -> named.classOf(records("poss").get(0)));
        Labels stars = new Labels(ProblemType.SINGLE_LABEL_CLASSIFICATION, 5, List.of("1", "2", "3", "4", "5"));
        assertEquals(0, stars.classOf(records("1").get(0)));
        refused("the label 0 was found", () -> stars.classOf(records("0").get(0)));
        refused("train.csv, line 4", () -> Labels.ofClasses(records("0", "1", "7"), 3));
    }

    @Test
    void several_labels_and_numbers_are_values() {
        Labels several = new Labels(ProblemType.MULTI_LABEL_CLASSIFICATION, 3, List.of("a", "b", "c"));
        for (String text : List.of("[0,1,1]", "[0, 1.0, 1]", "0 1 1", "0,1,1", "[\"c\",\"b\"]", "b c")) {
            assertArrayEquals(
                    new float[] {0, 1, 1}, several.valuesOf(records(text).get(0)), text);
        }
        refused(
                "line 2: 2 labels were found where 3",
                () -> several.valuesOf(records("[0,1]").get(0)));
        refused(
                "the label 2 was found; the labels are [a, b, c]",
                () -> several.valuesOf(records("[0,1,2]").get(0)));
        refused(
                "the label d was found",
                () -> several.valuesOf(records("[0,d,1]").get(0)));
        Labels number = new Labels(ProblemType.REGRESSION, 1, List.of());
        assertArrayEquals(new float[] {-2.5f}, number.valuesOf(records("-2.5").get(0)));
        refused("a number is predicted", () -> number.valuesOf(records("good").get(0)));
        refused("a number is predicted", () -> number.valuesOf(records("NaN").get(0)));
        for (String huge : List.of("1e39", "-1e400000000")) {
            refused(
                    "train.csv, line 2: the label " + huge,
                    () -> number.valuesOf(records(huge).get(0)));
        }
        assertEquals(3, Labels.count(records("[1, 0, 1]").get(0)));
    }

    @Test
    void records_of_each_class_are_counted() {
        assertArrayEquals(new int[] {1, 0, 2}, Labels.numbered(3).counts(records("2", "0", "2")));
    }
}
