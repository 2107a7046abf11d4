package dev.peft4j.parquet;

import dev.peft4j.parquet.Schema.Field;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Makes objects of the columns of a group of rows.
 *
 * @param root what a row is
 * @param columns of the group
 * @param budget of the file
 */
record RowAssembler(Field.Struct root, List<ColumnReader> columns, Budget budget) {
    /** The next row. */
    Map<String, @Nullable Object> next() throws IOException {
        for (ColumnReader column : columns) {
            column.requireRepetition(0);
        }
        return object(root);
    }

    /** Requires that no column has values behind the last row. */
    void requireEnd() throws ParquetProblem {
        for (ColumnReader column : columns) {
            column.requireEnd();
        }
    }

    /**
     * A value, object or list.
     *
     * @param above definition level from which on what it is in is there
     */
    private @Nullable Object read(Field field, int above) throws IOException {
        if (columns.get(field.first()).definition() < field.present()) {
            absent(field, above, field.present());
            return null;
        }
        if (field instanceof Field.Repeated repeated) {
            return list(repeated);
        }
        return field instanceof Field.Struct struct
                ? object(struct)
                : columns.get(field.first()).value();
    }

    private void absent(Field field, int above, int below) throws IOException {
        for (ColumnReader column : columns.subList(field.first(), field.end())) {
            column.absent(above, below);
        }
    }

    private Map<String, @Nullable Object> object(Field.Struct struct) throws IOException {
        budget.objects(1);
        Map<String, @Nullable Object> object = new LinkedHashMap<>();
        for (Field field : struct.fields()) {
            object.put(field.name(), read(field, struct.present()));
        }
        return object;
    }

    private Object list(Field.Repeated field) throws IOException {
        budget.objects(1);
        List<@Nullable Object> list = new ArrayList<>();
        ColumnReader first = columns.get(field.first());
        if (first.definition() < field.filled()) {
            absent(field, field.present(), field.filled());
        } else {
            list.add(read(field.element(), field.filled()));
            while (first.repetition() == field.repetition()) {
                for (ColumnReader column : columns.subList(field.first(), field.end())) {
                    column.requireRepetition(field.repetition());
                }
                list.add(read(field.element(), field.filled()));
            }
        }
        return field.isMap() ? map(list) : list;
    }

    /**
     * An object where the keys are texts or numbers, as in JSON. Of a key that is there twice the last value counts.
     *
     * <p>Parquet's <a href="https://github.com/apache/parquet-format/blob/master/LogicalTypes.md#maps">rules</a>.
     */
    private static Map<String, @Nullable Object> map(List<@Nullable Object> entries) {
        Map<String, @Nullable Object> map = new LinkedHashMap<>();
        for (Object entry : entries) {
            if (entry instanceof Map<?, ?> pair) {
                List<@Nullable Object> parts = new ArrayList<>(pair.values());
                map.put(String.valueOf(parts.get(0)), parts.get(1));
            }
        }
        return map;
    }
}
