package dev.peft4j.parquet;

import static dev.peft4j.parquet.SchemaElement.OPTIONAL;
import static dev.peft4j.parquet.SchemaElement.REPEATED;
import static dev.peft4j.parquet.SchemaElement.REQUIRED;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.parquet.Schema.Field;
import dev.peft4j.parquet.SchemaElement.Meaning;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The tree of columns, with the forms of lists that writers other than pyarrow have, and trees that are none. */
class SchemaTest {
    private static final int INT32 = 1;

    private static SchemaElement group(String name, int repetition, Meaning meaning, int children) {
        return new SchemaElement(name, -1, 0, repetition, children, meaning, 0);
    }

    private static SchemaElement value(String name, int repetition) {
        return new SchemaElement(name, INT32, 0, repetition, 0, Meaning.PLAIN, 0);
    }

    private static Schema schema(SchemaElement... columns) throws ParquetProblem {
        List<SchemaElement> all = new ArrayList<>(List.of(columns));
        all.add(0, group("schema", REQUIRED, Meaning.PLAIN, 1));
        return Schema.of(all);
    }

    /** The only column, as lists [..], maps <..>, structs {..} and values; a question mark where it may be null. */
    private static String shape(SchemaElement... columns) throws ParquetProblem {
        return shape(schema(columns).root().fields().get(0), 0);
    }

    private static String shape(Field field, int above) {
        String mark = field.present() > above ? "?" : "";
        if (field instanceof Field.Repeated list) {
            String element = shape(list.element(), list.filled());
            return mark + (list.isMap() ? "<" + element + ">" : "[" + element + "]");
        }
        if (field instanceof Field.Struct struct) {
            return mark
                    + struct.fields().stream()
                            .map(f -> shape(f, struct.present()))
                            .toList()
                            .toString()
                            .replace('[', '{')
                            .replace(']', '}');
        }
        return mark + field.name();
    }

    @Test
    void lists_are_lists_in_each_form_of_the_format() throws ParquetProblem {
        SchemaElement list = group("a", OPTIONAL, Meaning.LIST, 1);
        assertEquals("?[?x]", shape(list, group("list", REPEATED, Meaning.PLAIN, 1), value("x", OPTIONAL)));
        assertEquals("?[x]", shape(list, group("bag", REPEATED, Meaning.PLAIN, 1), value("x", REQUIRED)));
        assertEquals("?[x]", shape(list, value("x", REPEATED)));
        assertEquals("[x]", shape(value("x", REPEATED)));
        assertEquals("?[{x}]", shape(list, group("array", REPEATED, Meaning.PLAIN, 1), value("x", REQUIRED)));
        assertEquals("?[{?x}]", shape(list, group("a_tuple", REPEATED, Meaning.PLAIN, 1), value("x", OPTIONAL)));
        assertEquals(
                "?[{x, ?y}]",
                shape(list, group("list", REPEATED, Meaning.PLAIN, 2), value("x", REQUIRED), value("y", OPTIONAL)));
    }

    @Test
    void maps_and_structs_are_objects() throws ParquetProblem {
        SchemaElement entry = group("key_value", REPEATED, Meaning.PLAIN, 2);
        assertEquals(
                "?<{k, ?v}>",
                shape(group("a", OPTIONAL, Meaning.MAP, 1), entry, value("k", REQUIRED), value("v", OPTIONAL)));
        assertEquals(
                "{x}",
                shape(group("a", REQUIRED, Meaning.PLAIN, 1), value("x", REQUIRED))
                        .replace(" ", ""));
    }

    @Test
    void levels_count_what_may_be_absent_and_what_repeats() throws ParquetProblem {
        Schema.Leaf leaf = schema(
                        group("a", OPTIONAL, Meaning.LIST, 1),
                        group("list", REPEATED, Meaning.PLAIN, 1),
                        value("x", OPTIONAL))
                .leaves()
                .get(0);
        assertEquals(3, leaf.definition());
        assertEquals(1, leaf.repetition());
        assertEquals("a.list.x", leaf.place().toString());
    }

    @Test
    void a_tree_that_is_none_is_refused() {
        refused("it describes no columns", List.of());
        refused("the group of rows has no columns", List.of(group("schema", REQUIRED, Meaning.PLAIN, 0)));
        refused(
                "more columns than are described",
                List.of(group("schema", REQUIRED, Meaning.PLAIN, Integer.MAX_VALUE)));
        SchemaElement root = group("schema", REQUIRED, Meaning.PLAIN, 1);
        refused("1 of them are in no group", List.of(root, value("x", REQUIRED), value("y", REQUIRED)));
        refused("unknown repetition 7", List.of(root, value("x", 7)));
        SchemaElement two = group("schema", REQUIRED, Meaning.PLAIN, 2);
        refused("two columns are called x", List.of(two, value("x", REQUIRED), value("x", REQUIRED)));
        for (Meaning meaning : List.of(Meaning.PLAIN, Meaning.LIST)) {
            for (int repetition : new int[] {OPTIONAL, REPEATED}) {
                List<SchemaElement> deep = new ArrayList<>(List.of(root));
                for (int i = 0; i < 100_000; i++) {
                    deep.add(group("x", repetition, meaning, 1));
                }
                refused("columns are nested more than 64 times", deep);
            }
        }
    }

    private static void refused(String expected, List<SchemaElement> elements) {
        String message = String.valueOf(
                assertThrows(ParquetProblem.class, () -> Schema.of(elements)).getMessage());
        assertTrue(message.contains(expected), message);
    }
}
