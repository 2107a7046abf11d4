package dev.peft4j.parquet;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** A range of an array that is read from its beginning on; numbers are little endian. What lies behind its end is never read. */
final class Bytes {
    private final ByteBuffer bytes;

    Bytes(byte[] array) {
        this(ByteBuffer.wrap(array));
    }

    private Bytes(ByteBuffer bytes) {
        this.bytes = bytes.order(ByteOrder.LITTLE_ENDIAN);
    }

    int left() {
        return bytes.remaining();
    }

    /** How many bytes have been read. */
    int position() {
        return bytes.position();
    }

    private void need(long n) throws ParquetProblem {
        if (n < 0 || n > bytes.remaining()) {
            throw ParquetProblem.damaged(n + " bytes were expected and " + bytes.remaining() + " are left");
        }
    }

    int unsignedByte() throws ParquetProblem {
        need(1);
        return bytes.get() & 0xff;
    }

    int int32() throws ParquetProblem {
        need(Integer.BYTES);
        return bytes.getInt();
    }

    long int64() throws ParquetProblem {
        need(Long.BYTES);
        return bytes.getLong();
    }

    /** A number in groups of seven bits, the lowest first. */
    long varint() throws ParquetProblem {
        long value = 0;
        for (int shift = 0; shift < Long.SIZE; shift += 7) {
            int b = unsignedByte();
            value |= (b & 0x7fL) << shift;
            if (b < 0x80) {
                return value;
            }
        }
        throw ParquetProblem.damaged("a number has more than " + Long.SIZE + " bits");
    }

    /** A signed number, whose sign is the lowest bit. */
    long zigzag() throws ParquetProblem {
        long value = varint();
        return (value >>> 1) ^ -(value & 1);
    }

    /** A number of so many bytes at most, as counts and lengths are. */
    int count(long most) throws ParquetProblem {
        long value = varint();
        if (value < 0 || value > most) {
            throw ParquetProblem.damaged(
                    "a count is " + Long.toUnsignedString(value) + ", where at most " + most + " have a place");
        }
        return (int) value;
    }

    /** A copy of the next bytes. */
    byte[] take(int n) throws ParquetProblem {
        need(n);
        byte[] taken = new byte[n];
        bytes.get(taken);
        return taken;
    }

    /** The next bytes as a range of their own, which is not a copy. */
    Bytes slice(long n) throws ParquetProblem {
        need(n);
        Bytes slice = new Bytes(bytes.slice(bytes.position(), (int) n));
        bytes.position(bytes.position() + (int) n);
        return slice;
    }

    /** The same range from here on, read on its own. */
    Bytes copy() {
        return new Bytes(bytes.slice());
    }

    void skip(long n) throws ParquetProblem {
        need(n);
        bytes.position(bytes.position() + (int) n);
    }

    /**
     * A number of a packed run, the lowest bits first.
     *
     * @param first bit of it, from the beginning of this range
     * @param width of it, at most 64 bits
     */
    long bits(long first, int width) throws ParquetProblem {
        if (first + width > 8L * bytes.limit()) {
            throw ParquetProblem.damaged("a packed run is cut off behind " + bytes.limit() + " bytes");
        }
        long value = 0;
        int have = 0;
        int at = (int) (first >>> 3);
        int skipped = (int) (first & 7);
        while (have < width) {
            value |= ((bytes.get(at++) & 0xffL) >>> skipped) << have;
            have += 8 - skipped;
            skipped = 0;
        }
        return width == Long.SIZE ? value : value & ((1L << width) - 1);
    }
}
