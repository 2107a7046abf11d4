package dev.peft4j.models.gguf;

import java.io.IOException;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.AbstractList;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.RandomAccess;

/** The types of values in the metadata of GGUF files, with their numbers there. */
enum GgufValue {
    UINT8(0, 1),
    INT8(1, 1),
    UINT16(2, 2),
    INT16(3, 2),
    UINT32(4, 4),
    INT32(5, 4),
    FLOAT32(6, 4),
    BOOL(7, 1),
    STRING(8, 8),
    ARRAY(9, 12),
    UINT64(10, 8),
    INT64(11, 8),
    FLOAT64(12, 8);

    private static final int DEEPEST = 8; // arrays in each other; models have one

    private final int id;
    private final int bytes; // at least, of a value

    GgufValue(int id, int bytes) {
        this.id = id;
        this.bytes = bytes;
    }

    /** Its number in files. */
    int id() {
        return id;
    }

    /** Reads the number of a type. */
    static GgufValue type(GgufCursor cursor) throws IOException {
        long id = cursor.u32();
        for (GgufValue type : values()) {
            if (type.id == id) {
                return type;
            }
        }
        throw cursor.bad("the type of a value is " + id + ", there are 0 to " + FLOAT64.id);
    }

    /** Reads a value of this type. */
    Object read(GgufCursor cursor) throws IOException {
        return read(cursor, 0);
    }

    private Object read(GgufCursor cursor, int depth) throws IOException {
        return switch (this) {
            case STRING -> cursor.text();
            case ARRAY -> array(cursor, depth);
            case BOOL -> truth(cursor, cursor.u8());
            default -> number(ByteBuffer.wrap(cursor.bytes(bytes)).order(ByteOrder.LITTLE_ENDIAN), 0);
        };
    }

    private static Boolean truth(GgufCursor cursor, int value) throws IOException {
        if (value > 1) {
            throw cursor.bad("a truth value is " + value + ", it may be 0 or 1");
        }
        return value == 1;
    }

    private static List<Object> array(GgufCursor cursor, int depth) throws IOException {
        if (depth == DEEPEST) {
            throw cursor.bad("more than " + DEEPEST + " arrays lie inside each other");
        }
        GgufValue type = type(cursor);
        int n = cursor.count("the length of an array", cursor.u64(), type.bytes);
        if (n == 0) {
            return List.of();
        }
        if (type != STRING && type != ARRAY) {
            Numbers numbers = new Numbers(type, cursor.bytes(n * type.bytes));
            if (type == BOOL) {
                for (int i = 0; i < n; i++) {
                    truth(cursor, numbers.raw.get(i));
                }
            }
            return numbers;
        }
        List<Object> all = new ArrayList<>();
        for (int i = 0; i < n; i++) {
            all.add(type.read(cursor, depth + 1));
        }
        return Collections.unmodifiableList(all);
    }

    /** The number at a place in bytes of this type: whole ones as Long, beyond that as BigInteger. */
    private Object number(ByteBuffer raw, int index) {
        int at = index * bytes;
        return switch (this) {
            case UINT8 -> (long) Byte.toUnsignedInt(raw.get(at));
            case INT8 -> (long) raw.get(at);
            case UINT16 -> (long) Short.toUnsignedInt(raw.getShort(at));
            case INT16 -> (long) raw.getShort(at);
            case UINT32 -> Integer.toUnsignedLong(raw.getInt(at));
            case INT32 -> (long) raw.getInt(at);
            case FLOAT32 -> raw.getFloat(at);
            case FLOAT64 -> raw.getDouble(at);
            case INT64 -> raw.getLong(at);
            case UINT64 -> unsigned(raw.getLong(at));
            case BOOL -> raw.get(at) != 0;
            case STRING, ARRAY -> throw new AssertionError(this + " is no number");
        };
    }

    private static Object unsigned(long bits) {
        return bits >= 0 ? (Object) bits : new BigInteger(Long.toUnsignedString(bits));
    }

    /** Numbers as the bytes of the file, so that they take no more memory than there. */
    private static final class Numbers extends AbstractList<Object> implements RandomAccess {
        private final GgufValue type;
        private final ByteBuffer raw;

        Numbers(GgufValue type, byte[] bytes) {
            this.type = type;
            this.raw = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        }

        @Override
        public Object get(int index) {
            if (index < 0 || index >= size()) {
                throw new IndexOutOfBoundsException(index);
            }
            return type.number(raw, index);
        }

        @Override
        public int size() {
            return raw.capacity() / type.bytes;
        }
    }
}
