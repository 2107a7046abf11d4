package dev.peft4j.parquet;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.zip.GZIPOutputStream;

/** Files as writers do not make them: of columns whose levels and values a test chooses, with one group of rows and pages of the first version, packed with gzip. */
final class HandMade {
    static final int INT32 = 1;
    static final int BYTES = 6;
    private static final int GZIP = 2;
    private static final int NUMBER_FIELD = 5;
    private static final int TEXT_FIELD = 8;
    private static final int LIST_FIELD = 9;
    private static final int STRUCT_FIELD = 12;

    private HandMade() {}

    /** A struct of Thrift's compact protocol; the numbers of its fields ascend by at most 15. */
    static final class Struct {
        private final ByteArrayOutputStream out = new ByteArrayOutputStream();
        private int last;

        private void head(int id, int type) {
            out.write((id - last) << 4 | type);
            last = id;
        }

        Struct number(int id, long value) {
            head(id, NUMBER_FIELD);
            out.writeBytes(varint(value << 1 ^ value >> 63));
            return this;
        }

        Struct text(int id, String value) {
            head(id, TEXT_FIELD);
            byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
            out.writeBytes(varint(bytes.length));
            out.writeBytes(bytes);
            return this;
        }

        Struct struct(int id, Struct value) {
            head(id, STRUCT_FIELD);
            out.writeBytes(value.end());
            return this;
        }

        Struct list(int id, List<Struct> values) {
            head(id, LIST_FIELD);
            out.write(0xf0 | STRUCT_FIELD);
            out.writeBytes(varint(values.size()));
            values.forEach(value -> out.writeBytes(value.end()));
            return this;
        }

        byte[] end() {
            return join(out.toByteArray(), new byte[1]);
        }
    }

    /**
     * A column of the file.
     *
     * @param path of another file that has its values; none if empty
     */
    record Column(int type, long values, String path, byte[]... pages) {
        Column(int type, long values, byte[]... pages) {
            this(type, values, "", pages);
        }
    }

    /** A group of the tree of columns. */
    static Struct group(String name, int repetition, int children) {
        return new Struct().number(3, repetition).text(4, name).number(5, children);
    }

    /** A column of the tree of columns. */
    static Struct leaf(String name, int type, int repetition) {
        return new Struct().number(1, type).number(3, repetition).text(4, name);
    }

    static byte[] file(long rows, List<Struct> tree, Column... columns) {
        ByteArrayOutputStream file = new ByteArrayOutputStream();
        file.writeBytes(ascii("PAR1"));
        Struct[] chunks = new Struct[columns.length];
        for (int i = 0; i < columns.length; i++) {
            Column column = columns[i];
            byte[] pages = join(column.pages());
            Struct chunk = new Struct()
                    .number(1, column.type())
                    .number(4, GZIP)
                    .number(5, column.values())
                    .number(7, pages.length)
                    .number(9, file.size());
            chunks[i] = new Struct().text(1, column.path()).struct(3, chunk);
            file.writeBytes(pages);
        }
        Struct group = new Struct().list(1, List.of(chunks)).number(3, rows);
        byte[] footer = new Struct()
                .list(2, tree)
                .number(3, rows)
                .list(4, List.of(group))
                .end();
        file.writeBytes(join(footer, int32s(footer.length), ascii("PAR1")));
        return file.toByteArray();
    }

    static byte[] dictionary(int entries, byte[] plain) throws IOException {
        return page(2, 7, new Struct().number(1, entries).number(2, Values.PLAIN), plain);
    }

    static byte[] data(int values, int encoding, byte[]... parts) throws IOException {
        Struct header = new Struct()
                .number(1, values)
                .number(2, encoding)
                .number(3, Values.RLE)
                .number(4, Values.RLE);
        return page(0, 5, header, join(parts));
    }

    private static byte[] page(int type, int field, Struct kind, byte[] unpacked) throws IOException {
        ByteArrayOutputStream packed = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(packed)) {
            gzip.write(unpacked);
        }
        Struct header = new Struct()
                .number(1, type)
                .number(2, unpacked.length)
                .number(3, packed.size())
                .struct(field, kind);
        return join(header.end(), packed.toByteArray());
    }

    /** Levels of less than 256, each as a run of its own. */
    static byte[] levels(int... levels) {
        ByteArrayOutputStream runs = new ByteArrayOutputStream();
        for (int level : levels) {
            runs.writeBytes(run(1, level));
        }
        return join(int32s(runs.size()), runs.toByteArray());
    }

    /** A number of less than 256 so many times. */
    static byte[] run(long times, int number) {
        return join(varint(times << 1), new byte[] {(byte) number});
    }

    static byte[] int32s(int... values) {
        ByteBuffer bytes = ByteBuffer.allocate(values.length * Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asIntBuffer().put(values);
        return bytes.array();
    }

    /** A value of type BYTES. */
    static byte[] value(byte[] bytes) {
        return join(int32s(bytes.length), bytes);
    }

    static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    static byte[] varint(long value) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (; value >>> 7 != 0; value >>>= 7) {
            out.write((int) value | 0x80);
        }
        out.write((int) value);
        return out.toByteArray();
    }

    static byte[] join(byte[]... parts) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            out.writeBytes(part);
        }
        return out.toByteArray();
    }
}
