package dev.peft4j.parquet;

import java.util.List;

/**
 * A node of the tree of columns, as the file has it.
 *
 * @param name of the column or group
 * @param type physical type of a column; -1 for a group
 * @param length of values of a fixed length, in bytes
 * @param repetition one of the constants here
 * @param children how many follow
 * @param meaning what values mean, of both ways to say it
 * @param scale of a decimal number
 */
record SchemaElement(String name, int type, int length, int repetition, int children, Meaning meaning, int scale) {
    static final int REQUIRED = 0;
    static final int OPTIONAL = 1;
    static final int REPEATED = 2;

    /** What the values of a column, or the children of a group, mean. */
    enum Meaning {
        PLAIN,
        TEXT,
        LIST,
        MAP,
        DECIMAL,
        DATE,
        TIME_MILLIS,
        TIME_MICROS,
        TIME_NANOS,
        LOCAL_MILLIS,
        LOCAL_MICROS,
        LOCAL_NANOS,
        INSTANT_MILLIS,
        INSTANT_MICROS,
        INSTANT_NANOS,
        UNSIGNED,
        UUID,
        FLOAT16,
        /** Something that this reader does not know, as BSON: bytes of it are no text. */
        OTHER
    }

    /** The older way, by number. Signed integers mean what they are. */
    private static final Meaning[] CONVERTED = {
        Meaning.TEXT,
        Meaning.MAP,
        Meaning.MAP,
        Meaning.LIST,
        Meaning.TEXT,
        Meaning.DECIMAL,
        Meaning.DATE,
        Meaning.TIME_MILLIS,
        Meaning.TIME_MICROS,
        Meaning.INSTANT_MILLIS,
        Meaning.INSTANT_MICROS,
        Meaning.UNSIGNED,
        Meaning.UNSIGNED,
        Meaning.UNSIGNED,
        Meaning.UNSIGNED,
        Meaning.PLAIN,
        Meaning.PLAIN,
        Meaning.PLAIN,
        Meaning.PLAIN,
        Meaning.TEXT,
    };

    private static final List<Meaning> TIMES = List.of(Meaning.TIME_MILLIS, Meaning.TIME_MICROS, Meaning.TIME_NANOS);
    private static final List<Meaning> LOCAL = List.of(Meaning.LOCAL_MILLIS, Meaning.LOCAL_MICROS, Meaning.LOCAL_NANOS);
    private static final List<Meaning> INSTANTS =
            List.of(Meaning.INSTANT_MILLIS, Meaning.INSTANT_MICROS, Meaning.INSTANT_NANOS);

    static SchemaElement read(ThriftReader in) throws ParquetProblem {
        String[] name = {""};
        int[] values = {-1, 0, REQUIRED, 0, 0};
        Meaning[] meanings = {Meaning.PLAIN, null};
        in.struct(id -> {
            switch (id) {
                case 1 -> values[0] = in.int32();
                case 2 -> values[1] = in.int32();
                case 3 -> values[2] = in.int32();
                case 4 -> name[0] = in.text();
                case 5 -> values[3] = in.int32();
                case 6 -> meanings[0] = converted(in.int32());
                case 7 -> values[4] = in.int32();
                case 10 -> meanings[1] = logical(in);
                default -> {}
            }
        });
        Meaning meaning = meanings[1] == null ? meanings[0] : meanings[1];
        return new SchemaElement(
                name[0], values[3] > 0 ? -1 : values[0], values[1], values[2], values[3], meaning, values[4]);
    }

    private static Meaning converted(int number) {
        return number >= 0 && number < CONVERTED.length ? CONVERTED[number] : Meaning.OTHER;
    }

    /** The newer way, a struct with one field; its number says which. */
    private static Meaning logical(ThriftReader in) throws ParquetProblem {
        Meaning[] meaning = {Meaning.PLAIN};
        in.struct(id -> meaning[0] = switch (id) {
            case 1, 4, 12 -> Meaning.TEXT;
            case 2 -> Meaning.MAP;
            case 3 -> Meaning.LIST;
            case 5 -> Meaning.DECIMAL;
            case 6 -> Meaning.DATE;
            case 7 -> time(in, TIMES, TIMES);
            case 8 -> time(in, LOCAL, INSTANTS);
            case 10 -> integer(in);
            case 14 -> Meaning.UUID;
            case 15 -> Meaning.FLOAT16;
            default -> Meaning.OTHER;
        });
        return meaning[0];
    }

    /**
     * A time in one of three units.
     *
     * @param local what it is without a time zone, in milli-, micro- and nanoseconds
     * @param instant the same in UTC
     */
    private static Meaning time(ThriftReader in, List<Meaning> local, List<Meaning> instant) throws ParquetProblem {
        boolean[] isInstant = {false};
        int[] unit = {0};
        in.struct(id -> {
            switch (id) {
                case 1 -> isInstant[0] = in.truth();
                case 2 -> in.struct(u -> unit[0] = u);
                default -> {}
            }
        });
        if (unit[0] < 1 || unit[0] > local.size()) {
            throw ParquetProblem.unknown("times are in the unknown unit " + unit[0]);
        }
        return (isInstant[0] ? instant : local).get(unit[0] - 1);
    }

    private static Meaning integer(ThriftReader in) throws ParquetProblem {
        boolean[] isSigned = {true};
        in.struct(id -> {
            if (id == 2) {
                isSigned[0] = in.truth();
            }
        });
        return isSigned[0] ? Meaning.PLAIN : Meaning.UNSIGNED;
    }
}
