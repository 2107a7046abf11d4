package dev.peft4j.parquet;

/** What a file may become in memory and time, by its size: a few bytes can claim any number of values, and text packs to a fifth or a tenth. */
final class Budget {
    private static final long RATIO = 100;
    private static final long VALUES_PER_BYTE = 16; // columns of one value take less than a bit each
    private static final long ALWAYS_BYTES = 16 << 20;
    private static final long ALWAYS_VALUES = 4 << 20;
    private static final int OBJECT = 8; // an object takes the memory of so many values

    private final long fileBytes;
    private long bytes;
    private long values;

    Budget(long fileBytes) {
        this.fileBytes = fileBytes;
        bytes = Math.max(ALWAYS_BYTES, RATIO * fileBytes);
        values = Math.max(ALWAYS_VALUES, VALUES_PER_BYTE * fileBytes);
    }

    /** Counts bytes before memory is taken for them. */
    void bytes(long n) throws ParquetProblem {
        bytes -= n;
        if (bytes < 0) {
            throw beyond("unpacks to more than " + RATIO + " times its size");
        }
    }

    /** Counts values, and lists that are empty, before they are read. */
    void values(long n) throws ParquetProblem {
        values -= n;
        if (values < 0) {
            throw beyond("has more values and objects than " + VALUES_PER_BYTE + " for each of its bytes");
        }
    }

    /** Counts an object or list before it is made. */
    void object() throws ParquetProblem {
        values(OBJECT);
    }

    private ParquetProblem beyond(String what) {
        return ParquetProblem.damaged("the file of " + fileBytes + " bytes " + what);
    }
}
