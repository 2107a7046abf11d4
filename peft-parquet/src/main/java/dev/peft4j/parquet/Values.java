package dev.peft4j.parquet;

import org.jspecify.annotations.Nullable;

/** The values of a page that are not null, one after the other, as JSON has them. */
@FunctionalInterface
interface Values {
    /** Numbers of the format, with what they are called there. */
    int PLAIN = 0;

    int PLAIN_DICTIONARY = 2;
    int RLE = 3;
    int DELTA_BINARY_PACKED = 5;
    int DELTA_LENGTH_BYTE_ARRAY = 6;
    int DELTA_BYTE_ARRAY = 7;
    int RLE_DICTIONARY = 8;
    int BYTE_STREAM_SPLIT = 9;

    /** The next one; null where JSON has no such number. */
    @Nullable
    Object next() throws ParquetProblem;

    /**
     * Reads the values of a page.
     *
     * @param count of values, with those that are null
     * @param dictionary of the column; null if it has none
     */
    static Values of(
            int encoding,
            ValueKind kind,
            Bytes bytes,
            int count,
            @Nullable Object @Nullable [] dictionary,
            Budget budget)
            throws ParquetProblem {
        return switch (encoding) {
            case PLAIN -> plain(kind, bytes);
            case PLAIN_DICTIONARY, RLE_DICTIONARY -> ofDictionary(bytes, dictionary, budget);
            case RLE -> truths(kind, bytes);
            case DELTA_BINARY_PACKED -> differences(kind, deltas(bytes, count));
            case DELTA_LENGTH_BYTE_ARRAY -> {
                require(kind, PhysicalType.BYTES);
                yield lengthsFirst(bytes, count, kind);
            }
            case DELTA_BYTE_ARRAY -> new PrefixedValues(bytes, count, kind, budget);
            case BYTE_STREAM_SPLIT -> split(kind, bytes);
            default -> throw ParquetProblem.unknown("values are in the encoding " + encoding);
        };
    }

    private static Values plain(ValueKind kind, Bytes bytes) throws ParquetProblem {
        if (kind.type() == PhysicalType.BOOLEAN) {
            Bytes packed = bytes.slice(bytes.left());
            long[] at = {0};
            return () -> packed.bits(at[0]++, 1) == 1;
        }
        int fixed = kind.element().length();
        return () -> kind.json(kind.type().read(bytes, fixed));
    }

    private static Values ofDictionary(Bytes bytes, @Nullable Object @Nullable [] dictionary, Budget budget)
            throws ParquetProblem {
        if (dictionary == null) {
            throw ParquetProblem.damaged("values are numbers of a dictionary, and there is none");
        }
        if (bytes.left() == 0) { // all are null
            return () -> {
                throw ParquetProblem.damaged("a page has fewer values than it says");
            };
        }
        RunReader numbers = new RunReader(bytes, bytes.unsignedByte());
        return () -> {
            int number = numbers.next();
            if (number < 0 || number >= dictionary.length) {
                throw ParquetProblem.damaged("a value is number " + Integer.toUnsignedString(number)
                        + " of a dictionary of " + dictionary.length);
            }
            Object value = dictionary[number];
            if (value instanceof String text) {
                budget.repeated(text.length());
            }
            return value;
        };
    }

    private static Values truths(ValueKind kind, Bytes bytes) throws ParquetProblem {
        require(kind, PhysicalType.BOOLEAN);
        if (bytes.left() == 0) { // all are null
            return () -> {
                throw ParquetProblem.damaged("a page has fewer values than it says");
            };
        }
        RunReader runs = new RunReader(bytes.slice(bytes.int32()), 1);
        return () -> runs.next() == 1;
    }

    private static Values differences(ValueKind kind, DeltaReader numbers) throws ParquetProblem {
        if (kind.type() == PhysicalType.INT32) {
            return () -> kind.json((int) numbers.next());
        }
        require(kind, PhysicalType.INT64);
        return () -> kind.json(numbers.next());
    }

    /** Numbers of which there are not more than values: else they would cost more time than the page warrants. */
    static DeltaReader deltas(Bytes bytes, int count) throws ParquetProblem {
        DeltaReader numbers = new DeltaReader(bytes);
        if (numbers.count() > count) {
            throw ParquetProblem.damaged("a page of " + count + " values has " + numbers.count() + " numbers");
        }
        return numbers;
    }

    private static Values lengthsFirst(Bytes bytes, int count, ValueKind kind) throws ParquetProblem {
        Suffixes suffixes = Suffixes.read(bytes, count);
        return () -> kind.json(suffixes.next());
    }

    /** First all first bytes, then all second bytes, and so on. */
    private static Values split(ValueKind kind, Bytes bytes) throws ParquetProblem {
        int size = kind.type().size(kind.element().length());
        if (size == 0) {
            throw ParquetProblem.damaged("bytes of values of any length stand apart");
        }
        byte[] all = bytes.take(bytes.left());
        int values = all.length / size;
        int[] at = {0};
        return () -> {
            if (at[0] == values) {
                throw ParquetProblem.damaged("a page has fewer values than it says");
            }
            byte[] one = new byte[size];
            for (int i = 0; i < size; i++) {
                one[i] = all[i * values + at[0]];
            }
            at[0]++;
            return kind.json(kind.type().read(new Bytes(one), size));
        };
    }

    static void require(ValueKind kind, PhysicalType... types) throws ParquetProblem {
        for (PhysicalType type : types) {
            if (kind.type() == type) {
                return;
            }
        }
        throw ParquetProblem.damaged("values of type " + kind.type() + " are in an encoding of other types");
    }
}
