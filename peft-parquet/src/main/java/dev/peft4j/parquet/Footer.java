package dev.peft4j.parquet;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The end of a file, which describes the rest.
 *
 * <p>Names and numbers of the fields are those of <a href="https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift">parquet.thrift</a>.
 *
 * @param schema elements of the tree of columns, each in front of its children
 * @param groups of rows, in their order
 */
record Footer(List<SchemaElement> schema, List<RowGroup> groups) {
    private static final byte[] MAGIC = "PAR1".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] ENCRYPTED = "PARE".getBytes(StandardCharsets.US_ASCII);
    private static final int MAX_BYTES = 16 << 20;

    /**
     * Rows that stand together.
     *
     * @param rows how many
     * @param columns one for each leaf of the schema
     */
    record RowGroup(long rows, List<Chunk> columns) {}

    /**
     * Where the values of a column in a group are.
     *
     * @param type of the values
     * @param codec of the pages
     * @param values how many, with those that are null
     * @param begin of the first page, in the file
     * @param bytes of all pages
     */
    record Chunk(int type, int codec, long values, long begin, long bytes) {}

    /** Reads the end of a file. */
    static Footer read(Source source) throws IOException {
        int frame = MAGIC.length;
        byte[] begin = source.read(0, Math.min(frame, source.size()));
        if (!Arrays.equals(begin, MAGIC)) {
            throw ParquetProblem.damaged("its name says Parquet, and it does not begin with PAR1");
        }
        if (source.size() < 3L * frame) {
            throw ParquetProblem.damaged(
                    "it has " + source.size() + " bytes, and the shortest Parquet file has " + 3 * frame);
        }
        byte[] end = source.read(source.size() - 2L * frame, 2L * frame);
        byte[] magic = Arrays.copyOfRange(end, frame, end.length);
        if (Arrays.equals(magic, ENCRYPTED)) {
            throw ParquetProblem.unknown("it is encrypted");
        }
        if (!Arrays.equals(magic, MAGIC)) {
            throw ParquetProblem.damaged("it begins as a Parquet file and does not end as one (PAR1)");
        }
        int length = new Bytes(end).int32();
        if (length < 0 || length > source.size() - 3L * frame) {
            throw ParquetProblem.damaged("its description has " + Integer.toUnsignedString(length)
                    + " bytes, and the file has " + source.size());
        }
        if (length > MAX_BYTES) {
            throw ParquetProblem.tooMuch(
                    "its description has " + length + " bytes, and " + MAX_BYTES + " are the most",
                    "with fewer groups of rows, or as smaller files");
        }
        return of(new ThriftReader(new Bytes(source.read(source.size() - 2L * frame - length, length))));
    }

    private static Footer of(ThriftReader in) throws ParquetProblem {
        List<SchemaElement> schema = new ArrayList<>();
        List<RowGroup> groups = new ArrayList<>();
        in.struct(id -> {
            switch (id) {
                case 2 -> in.list(() -> schema.add(SchemaElement.read(in)));
                case 4 -> in.list(() -> groups.add(group(in)));
                case 8 -> throw ParquetProblem.unknown("it is encrypted");
                default -> {}
            }
        });
        return new Footer(schema, groups);
    }

    private static RowGroup group(ThriftReader in) throws ParquetProblem {
        List<Chunk> columns = new ArrayList<>();
        long[] rows = {0};
        in.struct(id -> {
            switch (id) {
                case 1 -> in.list(() -> columns.add(column(in)));
                case 3 -> rows[0] = in.number();
                default -> {}
            }
        });
        return new RowGroup(rows[0], columns);
    }

    private static Chunk column(ThriftReader in) throws ParquetProblem {
        Chunk[] chunk = {null};
        in.struct(id -> {
            switch (id) {
                case 1 -> requireHere(in.text());
                case 3 -> chunk[0] = chunk(in);
                case 8, 9 -> throw ParquetProblem.unknown("a column is encrypted");
                default -> {}
            }
        });
        if (chunk[0] == null) {
            throw ParquetProblem.damaged("a column has no description");
        }
        return chunk[0];
    }

    /** Some writers name no file where it is this one. */
    private static void requireHere(String file) throws ParquetProblem {
        if (!file.isEmpty()) {
            throw ParquetProblem.unknown("the values of a column are in another file (" + file + ")");
        }
    }

    private static Chunk chunk(ThriftReader in) throws ParquetProblem {
        int[] kinds = {-1, -1};
        long[] sizes = {0, 0, 0, 0};
        in.struct(id -> {
            switch (id) {
                case 1 -> kinds[0] = in.int32();
                case 4 -> kinds[1] = in.int32();
                case 5 -> sizes[0] = in.number();
                case 7 -> sizes[1] = in.number();
                case 9 -> sizes[2] = in.number();
                case 11 -> sizes[3] = in.number();
                default -> {}
            }
        });
        boolean dictionaryFirst = sizes[3] > 0 && sizes[3] < sizes[2]; // some writers say 0 where there is none
        return new Chunk(kinds[0], kinds[1], sizes[0], dictionaryFirst ? sizes[3] : sizes[2], sizes[1]);
    }
}
