package dev.peft4j.parquet;

import static dev.peft4j.parquet.HandMade.BYTES;
import static dev.peft4j.parquet.HandMade.INT32;
import static dev.peft4j.parquet.SchemaElement.OPTIONAL;
import static dev.peft4j.parquet.SchemaElement.REPEATED;
import static dev.peft4j.parquet.SchemaElement.REQUIRED;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.error.BadFileException;
import dev.peft4j.models.data.RecordReader;
import dev.peft4j.models.data.TextRecord;
import dev.peft4j.parquet.HandMade.Column;
import dev.peft4j.parquet.HandMade.Struct;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files that pyarrow does not write: levels that contradict each other, and rarer forms that are sound. */
class HandMadeTest {
    private static final int BSON = 20; // converted types
    private static final int UTF8 = 0;
    private static final int DECIMAL = 5;

    @TempDir
    Path dir;

    private Path write(byte[] bytes) throws IOException {
        return Files.write(dir.resolve("a.parquet"), bytes);
    }

    private List<Map<String, Object>> read(byte[] bytes) throws IOException {
        List<Map<String, Object>> rows = new ArrayList<>();
        new ParquetFormat().read(write(bytes), rows::add);
        return rows;
    }

    private void refused(byte[] bytes, String expected) throws IOException {
        Path file = write(bytes);
        String message =
                String.valueOf(assertThrows(BadFileException.class, () -> new ParquetFormat().read(file, row -> true))
                        .getMessage());
        assertTrue(message.contains(expected), message);
    }

    private static byte[] only(Struct leaf, int type, int values, byte[]... pages) {
        return HandMade.file(1, List.of(HandMade.group("schema", REQUIRED, 1), leaf), new Column(type, values, pages));
    }

    /** A row whose group s may be null, and has x and y that may be. */
    private static byte[] pair(int levelOfX, int levelOfY) throws IOException {
        List<Struct> tree = List.of(
                HandMade.group("schema", REQUIRED, 1),
                HandMade.group("s", OPTIONAL, 2),
                HandMade.leaf("x", INT32, OPTIONAL),
                HandMade.leaf("y", INT32, OPTIONAL));
        return HandMade.file(1, tree, optional(levelOfX, 7), optional(levelOfY, 8));
    }

    private static Column optional(int level, int value) throws IOException {
        byte[] values = level == 2 ? HandMade.int32s(value) : new byte[0];
        return new Column(INT32, 1, HandMade.data(1, Values.PLAIN, HandMade.levels(level), values));
    }

    @Test
    void columns_agree_whether_their_group_is_there() throws IOException {
        assertEquals("[{s={x=7, y=8}}]", read(pair(2, 2)).toString());
        assertEquals("[{s={x=7, y=null}}]", read(pair(2, 1)).toString());
        assertEquals("[{s={x=null, y=8}}]", read(pair(1, 2)).toString());
        assertEquals("[{s=null}]", read(pair(0, 0)).toString());
        String nothing = "row 1, column s.y: it has nothing where its group or list is there";
        refused(pair(2, 0), nothing);
        refused(pair(1, 0), nothing);
        refused(pair(0, 1), "row 1, column s.y: it has a value where the columns beside it have none");
    }

    @Test
    void a_list_that_goes_on_has_an_element() throws IOException {
        assertEquals("[{x=[7, 8]}]", read(repeated(1, 7, 8)).toString());
        refused(repeated(0, 7), "row 1, column x: it has nothing where its group or list is there");
    }

    private static byte[] repeated(int secondLevel, int... values) throws IOException {
        return only(
                HandMade.leaf("x", INT32, REPEATED),
                INT32,
                2,
                HandMade.data(
                        2,
                        Values.PLAIN,
                        HandMade.levels(0, 1),
                        HandMade.levels(1, secondLevel),
                        HandMade.int32s(values)));
    }

    @Test
    void values_are_in_another_file_only_where_it_has_a_name() throws IOException {
        List<Struct> tree = List.of(HandMade.group("schema", REQUIRED, 1), HandMade.leaf("x", INT32, REQUIRED));
        byte[] page = HandMade.data(1, Values.PLAIN, HandMade.int32s(7));
        assertEquals(
                "[{x=7}]",
                read(HandMade.file(1, tree, new Column(INT32, 1, "", page))).toString());
        refused(
                HandMade.file(1, tree, new Column(INT32, 1, "b.parquet", page)),
                "the values of a column are in another file (b.parquet)");
    }

    @Test
    void bytes_without_a_meaning_are_text_where_they_can_be() throws IOException {
        byte[][] values = {HandMade.ascii("a text"), {(byte) 0xc3, (byte) 0xbc}, {(byte) 0xc3}, {}};
        List<Object> expected = List.of("a text", "ü", "ww==", "");
        for (int i = 0; i < values.length; i++) {
            byte[] page = HandMade.data(1, Values.PLAIN, HandMade.value(values[i]));
            assertEquals(
                    expected.get(i),
                    read(only(HandMade.leaf("x", BYTES, REQUIRED), BYTES, 1, page))
                            .get(0)
                            .get("x"));
        }
    }

    @Test
    void bytes_with_another_meaning_are_no_text() throws IOException {
        byte[] page = HandMade.data(1, Values.PLAIN, HandMade.value(new byte[] {5, 0, 0, 0, 0}));
        Struct leaf = HandMade.leaf("x", BYTES, REQUIRED).number(6, BSON);
        assertEquals("BQAAAAA=", read(only(leaf, BYTES, 1, page)).get(0).get("x"));
        leaf = HandMade.leaf("x", BYTES, REQUIRED).struct(10, new Struct().struct(13, new Struct()));
        assertEquals("BQAAAAA=", read(only(leaf, BYTES, 1, page)).get(0).get("x"));
    }

    @Test
    void decimals_keep_their_digits_as_labels() throws IOException {
        List<Struct> tree = List.of(
                HandMade.group("schema", REQUIRED, 2),
                HandMade.leaf("text", BYTES, REQUIRED).number(6, UTF8),
                HandMade.leaf("label", INT32, REQUIRED).number(6, DECIMAL).number(7, 2));
        byte[] texts = HandMade.join(HandMade.value(HandMade.ascii("a")), HandMade.value(HandMade.ascii("b")));
        byte[] file = HandMade.file(
                2,
                tree,
                new Column(BYTES, 2, HandMade.data(2, Values.PLAIN, texts)),
                new Column(INT32, 2, HandMade.data(2, Values.PLAIN, HandMade.int32s(150, 2_000_000_000))));
        assertEquals(
                List.of("1.50", "20000000.00"),
                RecordReader.defaults().read(write(file)).stream()
                        .map(TextRecord::label)
                        .toList());
    }
}
