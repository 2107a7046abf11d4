package dev.peft4j.parquet;

/**
 * Small numbers in runs: of one number repeated, or of packed ones. Nothing is unpacked ahead, so a run may claim any length.
 *
 * <p>Parquet's <a href="https://parquet.apache.org/docs/file-format/data-pages/encodings/#RLE">hybrid</a> of run lengths and bit packing.
 */
final class RunReader {
    private static final int MAX_WIDTH = 32;
    private static final int GROUP = 8;

    private final Bytes bytes;
    private final int width;
    private Bytes packed = new Bytes(new byte[0]);
    private boolean isPacked;
    private long at;
    private long left;
    private int repeated;

    /** Numbers of so many bits. */
    RunReader(Bytes bytes, int width) throws ParquetProblem {
        if (width > MAX_WIDTH) {
            throw ParquetProblem.damaged("numbers have " + width + " bits, and " + MAX_WIDTH + " are the most");
        }
        this.bytes = bytes;
        this.width = width;
    }

    int next() throws ParquetProblem {
        while (left == 0) {
            begin();
        }
        left--;
        return isPacked ? (int) packed.bits(width * at++, width) : repeated;
    }

    private void begin() throws ParquetProblem {
        long header = bytes.varint();
        left = header >>> 1;
        isPacked = (header & 1) == 1;
        at = 0;
        if (isPacked) {
            long groups = Math.min(left, Integer.MAX_VALUE);
            left = groups * GROUP;
            packed = bytes.slice(Math.min(groups * width, bytes.left())); // writers may cut the last group
        } else {
            repeated = 0;
            for (int shift = 0; shift < width; shift += Byte.SIZE) {
                repeated |= bytes.unsignedByte() << shift;
            }
        }
    }

    /** How many bits a number up to this has. */
    static int widthOf(int most) {
        return Integer.SIZE - Integer.numberOfLeadingZeros(most);
    }
}
