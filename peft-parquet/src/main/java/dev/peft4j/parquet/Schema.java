package dev.peft4j.parquet;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The tree of columns, as objects are made of it.
 *
 * @param root the object of a row
 * @param leaves the columns in the order of the file
 */
record Schema(Field.Struct root, List<Leaf> leaves) {
    private static final int MAX_DEPTH = 64;

    /**
     * A column.
     *
     * @param place of it in the tree
     * @param element of the file
     * @param definition level of a value that is there
     * @param repetition level of a value that continues the innermost list
     */
    record Leaf(Place place, SchemaElement element, int definition, int repetition) {}

    /**
     * The names from the root on, which are joined for messages only.
     *
     * @param group it is in; null for the root
     * @param name of it
     */
    record Place(@Nullable Place group, String name) {
        private static final int SHOWN = 200;

        @Override
        public String toString() {
            if (group == null) {
                return "of rows";
            }
            StringBuilder path = new StringBuilder(name);
            for (Place p = group; p != null && path.length() <= SHOWN; p = p.group) {
                path.insert(0, p.name.isEmpty() ? "" : p.name + ".");
            }
            return path.length() <= SHOWN ? path.toString() : path.substring(0, SHOWN) + "...";
        }
    }

    /** A value, object or list of a row. */
    sealed interface Field {
        /** Name in the object that it is in. */
        String name();

        /** Definition level from which on it is not null. */
        int present();

        /** The first of its columns. */
        int first();

        /** The one behind the last of its columns. */
        int end();

        /** A value of a column. */
        record Value(String name, int present, int first, int end) implements Field {}

        /** An object. */
        record Struct(String name, int present, int first, int end, List<Field> fields) implements Field {}

        /**
         * A list, or a map: objects of a key and a value.
         *
         * @param filled definition level from which on it has an element
         * @param repetition level of a value that begins another element
         */
        record Repeated(
                String name, int present, int first, int end, int filled, int repetition, Field element, boolean isMap)
                implements Field {}
    }

    /** The tree of a file. */
    static Schema of(List<SchemaElement> elements) throws ParquetProblem {
        if (elements.isEmpty()) {
            throw ParquetProblem.damaged("it describes no columns");
        }
        Builder builder = new Builder(elements);
        Field.Struct root = builder.struct(builder.next(), new Place(null, ""), 0, 0, 0);
        if (builder.at != elements.size()) {
            throw ParquetProblem.damaged("it describes " + elements.size() + " columns and groups, and "
                    + (elements.size() - builder.at) + " of them are in no group");
        }
        return new Schema(root, builder.leaves);
    }

    /** Takes the elements one by one; each group takes its children. */
    private static final class Builder {
        private final List<SchemaElement> elements;
        private final List<Leaf> leaves = new ArrayList<>();
        private int at;

        Builder(List<SchemaElement> elements) {
            this.elements = elements;
        }

        private SchemaElement next() throws ParquetProblem {
            if (at == elements.size()) {
                throw ParquetProblem.damaged("a group has more columns than are described");
            }
            return elements.get(at++);
        }

        private Field.Struct struct(SchemaElement element, Place place, int definition, int repetition, int depth)
                throws ParquetProblem {
            if (element.children() == 0) {
                throw ParquetProblem.damaged("the group " + place + " has no columns");
            }
            int first = leaves.size();
            List<Field> fields = new ArrayList<>();
            Set<String> names = new HashSet<>();
            for (int i = 0; i < element.children(); i++) {
                Field field = field(place, definition, repetition, depth + 1);
                if (!names.add(field.name())) {
                    throw ParquetProblem.damaged("two columns are called " + new Place(place, field.name()));
                }
                fields.add(field);
            }
            return new Field.Struct(element.name(), definition, first, leaves.size(), fields);
        }

        /** The next element and all below it. */
        private Field field(Place group, int definition, int repetition, int depth) throws ParquetProblem {
            SchemaElement element = next();
            return switch (element.repetition()) {
                case SchemaElement.REQUIRED -> body(element, group, definition, repetition, depth);
                case SchemaElement.OPTIONAL -> body(element, group, definition + 1, repetition, depth);
                case SchemaElement.REPEATED -> {
                    int first = leaves.size();
                    Field one = body(element, group, definition + 1, repetition + 1, depth);
                    yield new Field.Repeated(
                            element.name(),
                            definition,
                            first,
                            leaves.size(),
                            definition + 1,
                            repetition + 1,
                            one,
                            false);
                }
                default ->
                    throw ParquetProblem.damaged("the column " + new Place(group, element.name())
                            + " has the unknown repetition " + element.repetition());
            };
        }

        private Field body(SchemaElement element, Place group, int definition, int repetition, int depth)
                throws ParquetProblem {
            if (depth > MAX_DEPTH) {
                throw ParquetProblem.tooMuch(
                        "columns are nested more than " + MAX_DEPTH + " times", "with fewer levels");
            }
            Place place = new Place(group, element.name());
            if (element.children() <= 0) {
                leaves.add(new Leaf(place, element, definition, repetition));
                return new Field.Value(element.name(), definition, leaves.size() - 1, leaves.size());
            }
            boolean holdsOne = element.children() == 1
                    && at < elements.size()
                    && elements.get(at).repetition() == SchemaElement.REPEATED;
            boolean isMap = element.meaning() == SchemaElement.Meaning.MAP
                    && holdsOne
                    && elements.get(at).children() == 2;
            if (!isMap && !(holdsOne && element.meaning() == SchemaElement.Meaning.LIST)) {
                return struct(element, place, definition, repetition, depth);
            }
            int first = leaves.size();
            Field one = isMap
                    ? struct(next(), place, definition + 1, repetition + 1, depth + 1)
                    : element(next(), place, definition + 1, repetition + 1, depth + 1);
            return new Field.Repeated(
                    element.name(), definition, first, leaves.size(), definition + 1, repetition + 1, one, isMap);
        }

        /**
         * The element of a list: what the repeated group holds, or the group itself where older writers mean that.
         *
         * <p>Parquet's <a href="https://github.com/apache/parquet-format/blob/master/LogicalTypes.md#lists">rules</a>.
         */
        private Field element(SchemaElement repeated, Place list, int definition, int repetition, int depth)
                throws ParquetProblem {
            boolean isElement = repeated.children() != 1
                    || repeated.name().equals("array")
                    || repeated.name().equals(list.name() + "_tuple")
                    || (at < elements.size() && elements.get(at).repetition() == SchemaElement.REPEATED);
            if (isElement) {
                return body(repeated, list, definition, repetition, depth);
            }
            return field(new Place(list, repeated.name()), definition, repetition, depth + 1);
        }
    }
}
