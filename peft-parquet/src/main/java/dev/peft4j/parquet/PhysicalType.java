package dev.peft4j.parquet;

/** How values are kept. The order is that of the format's numbers. */
enum PhysicalType {
    BOOLEAN(0),
    INT32(Integer.BYTES),
    INT64(Long.BYTES),
    INT96(12),
    FLOAT(Float.BYTES),
    DOUBLE(Double.BYTES),
    BYTES(0),
    FIXED_BYTES(0);

    private static final PhysicalType[] ALL = values();
    private final int size;

    PhysicalType(int size) {
        this.size = size;
    }

    static PhysicalType of(int number) throws ParquetProblem {
        if (number < 0 || number >= ALL.length) {
            throw ParquetProblem.damaged("values are of the unknown type " + number);
        }
        return ALL[number];
    }

    /**
     * Bytes of each value, 0 where that is not the same for all.
     *
     * @param fixed length that the column has
     */
    int size(int fixed) throws ParquetProblem {
        if (this == FIXED_BYTES && fixed <= 0) {
            throw ParquetProblem.damaged("values have a fixed length of " + fixed + " bytes");
        }
        return this == FIXED_BYTES ? fixed : size;
    }

    /**
     * The next value, one behind the other: a {@code Integer}, {@code Long}, {@code Float}, {@code Double} or {@code byte[]}. Truth values are bits, and not read here.
     *
     * @param fixed length that the column has
     */
    Object read(Bytes bytes, int fixed) throws ParquetProblem {
        return switch (this) {
            case INT32 -> bytes.int32();
            case INT64 -> bytes.int64();
            case FLOAT -> Float.intBitsToFloat(bytes.int32());
            case DOUBLE -> Double.longBitsToDouble(bytes.int64());
            case BYTES -> bytes.take(bytes.int32());
            case INT96, FIXED_BYTES -> bytes.take(size(fixed));
            case BOOLEAN -> throw ParquetProblem.unknown("truth values stand one in a byte");
        };
    }
}
