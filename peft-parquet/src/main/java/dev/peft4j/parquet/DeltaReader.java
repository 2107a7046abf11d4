package dev.peft4j.parquet;

/**
 * Whole numbers as differences to the one before, in blocks.
 *
 * <p>Parquet's <a href="https://parquet.apache.org/docs/file-format/data-pages/encodings/#DELTAENC">DELTA_BINARY_PACKED</a>: {@code xᵢ = xᵢ₋₁ + m + dᵢ}, with the
 * smallest difference m of a block and the dᵢ of each part of it in as many bits as its largest one needs.
 */
final class DeltaReader {
    private static final int MAX_BLOCK = 1 << 20;

    private final Bytes bytes;
    private final int perBlock;
    private final int parts;
    private final int perPart;
    private final long count;
    private byte[] widths = new byte[0];
    private Bytes packed = new Bytes(new byte[0]);
    private int part;
    private int at;
    private long smallest;
    private long value;
    private long read;

    DeltaReader(Bytes bytes) throws ParquetProblem {
        this.bytes = bytes;
        perBlock = bytes.count(MAX_BLOCK);
        parts = bytes.count(Math.max(1, perBlock / 8));
        if (parts == 0 || perBlock % parts != 0 || perBlock / parts % 8 != 0) {
            throw ParquetProblem.damaged("blocks of " + perBlock + " differences have " + parts
                    + " parts, which are to be of a multiple of 8");
        }
        perPart = perBlock / parts;
        count = bytes.count(Integer.MAX_VALUE);
        value = bytes.zigzag();
        part = parts;
        at = perPart;
    }

    /** How many numbers there are. */
    long count() {
        return count;
    }

    long next() throws ParquetProblem {
        if (read == count) {
            throw ParquetProblem.damaged("more than " + count + " numbers were expected");
        }
        if (read++ == 0) {
            return value;
        }
        if (at == perPart) {
            beginPart();
        }
        int width = widths[part - 1];
        value += smallest + packed.bits((long) width * at++, width);
        return value;
    }

    private void beginPart() throws ParquetProblem {
        if (part == parts) {
            smallest = bytes.zigzag();
            widths = bytes.take(parts);
            part = 0;
        }
        int width = widths[part++];
        if (width < 0 || width > Long.SIZE) {
            throw ParquetProblem.damaged(
                    "differences have " + (width & 0xff) + " bits, and " + Long.SIZE + " are the most");
        }
        packed = bytes.slice((long) perPart * width / 8);
        at = 0;
    }

    /** Reads what is left, so that what stands behind the numbers comes next. */
    void finish() throws ParquetProblem {
        while (read < count) {
            next();
        }
    }
}
