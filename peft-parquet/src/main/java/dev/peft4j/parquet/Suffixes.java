package dev.peft4j.parquet;

/**
 * Values whose lengths stand in front of all of them.
 *
 * @param lengths of the values
 * @param bytes of the values
 */
record Suffixes(DeltaReader lengths, Bytes bytes) {
    /** Finds where the values begin by reading all lengths once. */
    static Suffixes read(Bytes bytes, int count) throws ParquetProblem {
        Bytes again = bytes.copy();
        Values.deltas(bytes, count).finish();
        return new Suffixes(Values.deltas(again, count), bytes);
    }

    byte[] next() throws ParquetProblem {
        long length = lengths.next();
        if (length < 0 || length > bytes.left()) {
            throw ParquetProblem.damaged("a value has " + length + " bytes, and " + bytes.left() + " are left");
        }
        return bytes.take((int) length);
    }
}
