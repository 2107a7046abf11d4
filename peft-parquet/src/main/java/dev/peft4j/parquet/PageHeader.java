package dev.peft4j.parquet;

import org.jspecify.annotations.Nullable;

/**
 * What stands in front of a page.
 *
 * @param type one of the constants here
 * @param unpacked bytes of the page, levels and values
 * @param packed bytes of the page, as they stand in the file
 * @param checksum CRC-32 of the packed bytes; null if there is none
 * @param values of the page, with those that are null
 * @param encoding of the values
 * @param levels encoding of the levels, of definition and of repetition
 * @param definitionBytes of the levels, where they are not packed (second version)
 * @param repetitionBytes of the levels, the same
 * @param isPacked whether the values of a page of the second version are packed
 */
record PageHeader(
        int type,
        int unpacked,
        int packed,
        @Nullable Integer checksum,
        int values,
        int encoding,
        int[] levels,
        int definitionBytes,
        int repetitionBytes,
        boolean isPacked) {
    static final int DATA = 0;
    static final int DICTIONARY = 2;
    static final int DATA_V2 = 3;

    static PageHeader read(ThriftReader in) throws ParquetProblem {
        Reading read = new Reading();
        in.struct(id -> {
            switch (id) {
                case 1 -> read.type = in.int32();
                case 2 -> read.unpacked = in.int32();
                case 3 -> read.packed = in.int32();
                case 4 -> read.checksum = in.int32();
                case 5 -> in.struct(f -> read.data(f, in));
                case 7 -> in.struct(f -> read.dictionary(f, in));
                case 8 -> in.struct(f -> read.second(f, in));
                default -> {}
            }
        });
        if (read.unpacked < 0 || read.packed < 0 || read.values < 0) {
            throw ParquetProblem.damaged(
                    "a page has " + read.values + " values in " + read.packed + " bytes of " + read.unpacked);
        }
        return new PageHeader(
                read.type,
                read.unpacked,
                read.packed,
                read.checksum,
                read.values,
                read.encoding,
                read.levels,
                read.definitionBytes,
                read.repetitionBytes,
                read.isPacked);
    }

    /** The fields, in any order. */
    private static final class Reading {
        private int type = -1;
        private int unpacked = -1;
        private int packed = -1;
        private @Nullable Integer checksum;
        private int values;
        private int encoding;
        private final int[] levels = {Values.RLE, Values.RLE};
        private int definitionBytes;
        private int repetitionBytes;
        private boolean isPacked = true;

        private void data(int id, ThriftReader in) throws ParquetProblem {
            switch (id) {
                case 1 -> values = in.int32();
                case 2 -> encoding = in.int32();
                case 3 -> levels[0] = in.int32();
                case 4 -> levels[1] = in.int32();
                default -> {}
            }
        }

        private void dictionary(int id, ThriftReader in) throws ParquetProblem {
            switch (id) {
                case 1 -> values = in.int32();
                case 2 -> encoding = in.int32();
                default -> {}
            }
        }

        private void second(int id, ThriftReader in) throws ParquetProblem {
            switch (id) {
                case 1 -> values = in.int32();
                case 4 -> encoding = in.int32();
                case 5 -> definitionBytes = in.int32();
                case 6 -> repetitionBytes = in.int32();
                case 7 -> isPacked = in.truth();
                default -> {}
            }
        }
    }
}
