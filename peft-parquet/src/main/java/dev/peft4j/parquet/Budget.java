package dev.peft4j.parquet;

/**
 * What a file may become in memory and time, by its size: a few bytes can claim any number of values. Text packs to a fifth or a tenth; a sound file can pack far
 * better, so what is beyond is not called damaged, and so much as a million rows of a few columns that are always the same is read of any file.
 */
final class Budget {
    private static final long RATIO = 100;
    private static final long VALUES_PER_BYTE = 16; // columns of one value take less than a bit each
    private static final long ALWAYS_BYTES = 16 << 20;
    private static final long ALWAYS_VALUES = 16 << 20; // a million rows of up to 8 columns
    private static final long ALWAYS_REPEATED = 1 << 30; // a million texts of a thousand characters
    private static final int OBJECT = 8; // an object takes the memory of so many values

    private final long fileBytes;
    private final long mostRepeated;
    private long bytes;
    private long values;
    private long repeated;

    Budget(long fileBytes) {
        this.fileBytes = fileBytes;
        bytes = Math.max(ALWAYS_BYTES, RATIO * fileBytes);
        values = Math.max(ALWAYS_VALUES, VALUES_PER_BYTE * fileBytes);
        mostRepeated = Math.max(ALWAYS_REPEATED, RATIO * fileBytes);
        repeated = mostRepeated;
    }

    /** Counts bytes before memory is taken for them. */
    void bytes(long n) throws ParquetProblem {
        bytes -= n;
        if (bytes < 0) {
            throw beyond("unpacks to more than " + RATIO + " times its size", "with a dictionary, or as smaller files");
        }
    }

    /** Counts values, and lists that are empty, before they are read. */
    void values(long n) throws ParquetProblem {
        values -= n;
        if (values < 0) {
            throw beyond(
                    "has more values and objects than " + VALUES_PER_BYTE + " for each of its bytes",
                    "as smaller files");
        }
    }

    /** Counts objects, lists and entries of dictionaries before they are made. */
    void objects(long n) throws ParquetProblem {
        values(OBJECT * n);
    }

    /** Counts the characters of a text of a dictionary each time it is a value: whoever reads it may copy it. */
    void repeated(int n) throws ParquetProblem {
        repeated -= n;
        if (repeated < 0) {
            throw beyond("repeats texts of more than " + mostRepeated + " characters in all", "as smaller files");
        }
    }

    private ParquetProblem beyond(String what, String how) {
        return ParquetProblem.tooMuch("the file of " + fileBytes + " bytes " + what, how);
    }
}
