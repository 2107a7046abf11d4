package dev.peft4j.parquet;

import java.nio.charset.StandardCharsets;

/**
 * Reads structs of Thrift's <a href="https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md">compact protocol</a>. A field that nobody
 * takes is skipped, so that later versions of the format can be read.
 */
final class ThriftReader {
    private static final int TRUE = 1;
    private static final int FALSE = 2;
    private static final int BYTE = 3;
    private static final int INT16 = 4;
    private static final int INT32 = 5;
    private static final int INT64 = 6;
    private static final int DOUBLE = 7;
    private static final int BINARY = 8;
    private static final int LIST = 9;
    private static final int SET = 10;
    private static final int MAP = 11;
    private static final int STRUCT = 12;
    private static final int UUID = 13;
    private static final int LONG_FORM = 15;
    private static final int MAX_DEPTH = 32;

    private final Bytes bytes;
    private int type = STRUCT;
    private boolean isTaken;

    ThriftReader(Bytes bytes) {
        this.bytes = bytes;
    }

    /** What is done with a field. */
    @FunctionalInterface
    interface Field {
        void read(int id) throws ParquetProblem;
    }

    /** What is done with an element of a list. */
    @FunctionalInterface
    interface Element {
        void read() throws ParquetProblem;
    }

    /** Reads a struct: the one at the beginning, or the value of the field or element at which this reader is. */
    void struct(Field field) throws ParquetProblem {
        take(STRUCT);
        int id = 0;
        for (int head = bytes.unsignedByte(); head != 0; head = bytes.unsignedByte()) {
            id = head >>> 4 == 0 ? (int) bytes.zigzag() : id + (head >>> 4);
            at(head & 0xf);
            field.read(id);
            if (!isTaken) {
                skip(type, 0);
            }
        }
        isTaken = true;
    }

    /** Reads a list. */
    void list(Element element) throws ParquetProblem {
        take(LIST);
        int head = bytes.unsignedByte();
        int size = sizeOf(head);
        for (int i = 0; i < size; i++) {
            at(head & 0xf);
            element.read();
            if (!isTaken) {
                skip(type, 0);
            }
        }
        isTaken = true;
    }

    /** A whole number of any width. */
    long number() throws ParquetProblem {
        if (type == BYTE) {
            isTaken = true;
            return (byte) bytes.unsignedByte();
        }
        if (type != INT16 && type != INT64) {
            take(INT32);
        }
        isTaken = true;
        return bytes.zigzag();
    }

    /** A whole number that fits 32 bits. */
    int int32() throws ParquetProblem {
        long value = number();
        if (value != (int) value) {
            throw ParquetProblem.damaged("a number of its description is " + value + ", which has more than 32 bits");
        }
        return (int) value;
    }

    boolean truth() throws ParquetProblem {
        if (type != TRUE) {
            take(FALSE);
        }
        isTaken = true;
        return type == TRUE;
    }

    String text() throws ParquetProblem {
        take(BINARY);
        return new String(bytes.take(bytes.count(bytes.left())), StandardCharsets.UTF_8);
    }

    private void at(int next) {
        type = next;
        isTaken = false;
    }

    private void take(int expected) throws ParquetProblem {
        if (type != expected) {
            throw ParquetProblem.damaged(
                    "its description has a field of type " + type + ", where " + expected + " was expected");
        }
        isTaken = true;
    }

    /** Every element has a byte at least. */
    private int sizeOf(int head) throws ParquetProblem {
        return head >>> 4 == LONG_FORM ? bytes.count(bytes.left()) : head >>> 4;
    }

    private void skip(int skipped, int depth) throws ParquetProblem {
        if (depth > MAX_DEPTH) {
            throw ParquetProblem.damaged("its description is nested more than " + MAX_DEPTH + " times");
        }
        switch (skipped) {
            case TRUE, FALSE -> {}
            case BYTE -> bytes.skip(1);
            case INT16, INT32, INT64 -> bytes.varint();
            case DOUBLE -> bytes.skip(Double.BYTES);
            case BINARY -> bytes.skip(bytes.count(bytes.left()));
            case LIST, SET -> {
                int head = bytes.unsignedByte();
                int size = sizeOf(head);
                for (int i = 0; i < size; i++) {
                    skipElement(head & 0xf, depth);
                }
            }
            case MAP -> {
                int size = bytes.count(bytes.left());
                int types = size == 0 ? 0 : bytes.unsignedByte();
                for (int i = 0; i < size; i++) {
                    skipElement(types >>> 4, depth);
                    skipElement(types & 0xf, depth);
                }
            }
            case STRUCT -> {
                for (int head = bytes.unsignedByte(); head != 0; head = bytes.unsignedByte()) {
                    if (head >>> 4 == 0) {
                        bytes.varint();
                    }
                    skip(head & 0xf, depth + 1);
                }
            }
            case UUID -> bytes.skip(2 * Long.BYTES);
            default -> throw ParquetProblem.damaged("its description has a field of the unknown type " + skipped);
        }
    }

    /** Truth values are in the type of a field, and a byte in a list. */
    private void skipElement(int element, int depth) throws ParquetProblem {
        skip(element == TRUE || element == FALSE ? BYTE : element, depth + 1);
    }
}
