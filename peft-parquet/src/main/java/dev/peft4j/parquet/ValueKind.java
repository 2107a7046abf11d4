package dev.peft4j.parquet;

import dev.peft4j.parquet.SchemaElement.Meaning;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Base64;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * What a value of a column is in JSON: numbers and truth values are themselves, decimals keep their digits, texts are texts, and times are texts as ISO 8601
 * writes them. Bytes without a meaning are a text where they are valid UTF-8, since older writers do not say that they wrote text; where they are not, and where
 * their meaning is another one, they are Base64. A number that is none or infinite is null, as pandas and JavaScript write it.
 *
 * @param type how it is kept
 * @param element of the column
 */
record ValueKind(PhysicalType type, SchemaElement element) {
    private static final int MAX_SCALE = 76; // of Arrow's widest decimals
    private static final int MAX_DECIMAL = 32; // bytes of the same
    private static final long SECOND = 1_000_000_000L; // nanoseconds
    private static final long JULIAN_1970 = 2_440_588; // days

    ValueKind {
        boolean isDecimal = element.meaning() == Meaning.DECIMAL;
        if (isDecimal && (element.scale() < 0 || element.scale() > MAX_SCALE)) {
            element = new SchemaElement(
                    element.name(), element.type(), element.length(), element.repetition(), 0, Meaning.OTHER, 0);
        }
    }

    /**
     * A value.
     *
     * @param raw as it is kept
     */
    @Nullable
    Object json(Object raw) throws ParquetProblem {
        try {
            if (raw instanceof Integer value) {
                return ofLong(value, value & 0xffffffffL, value);
            }
            if (raw instanceof Long value) {
                return ofLong(value, value < 0 ? unsigned(value) : value, value);
            }
            if (raw instanceof Float value) {
                return ofFloat(value);
            }
            if (raw instanceof Double value) {
                return Double.isFinite(value) ? value : null;
            }
            return raw instanceof byte[] bytes ? ofBytes(bytes) : raw;
        } catch (DateTimeException | ArithmeticException e) {
            throw ParquetProblem.damaged("a value is no time (" + e.getMessage() + ")", e);
        }
    }

    private Object ofLong(long value, Object unsigned, Object plain) {
        return switch (element.meaning()) {
            case UNSIGNED -> unsigned;
            case DECIMAL -> BigDecimal.valueOf(value, element.scale());
            case DATE -> LocalDate.ofEpochDay(value).toString();
            case TIME_MILLIS -> time(value, 1_000_000);
            case TIME_MICROS -> time(value, 1_000);
            case TIME_NANOS -> time(value, 1);
            case LOCAL_MILLIS -> moment(value, 1_000);
            case LOCAL_MICROS -> moment(value, 1_000_000);
            case LOCAL_NANOS -> moment(value, SECOND);
            case INSTANT_MILLIS -> moment(value, 1_000) + "Z";
            case INSTANT_MICROS -> moment(value, 1_000_000) + "Z";
            case INSTANT_NANOS -> moment(value, SECOND) + "Z";
            default -> plain;
        };
    }

    private static BigInteger unsigned(long value) {
        return new BigInteger(Long.toUnsignedString(value));
    }

    private static String time(long value, long nanos) {
        return DateTimeFormatter.ISO_LOCAL_TIME.format(LocalTime.ofNanoOfDay(Math.multiplyExact(value, nanos)));
    }

    private static String moment(long value, long perSecond) {
        return dateTime(
                Math.floorDiv(value, perSecond), (int) (Math.floorMod(value, perSecond) * (SECOND / perSecond)));
    }

    private static String dateTime(long seconds, int nanos) {
        return DateTimeFormatter.ISO_LOCAL_DATE_TIME.format(
                LocalDateTime.ofEpochSecond(seconds, nanos, ZoneOffset.UTC));
    }

    /** The shortest decimal that is the same number, as writers of JSON do. */
    private static @Nullable Object ofFloat(float value) {
        return Float.isFinite(value) ? Double.valueOf(Float.toString(value)) : null;
    }

    private @Nullable Object ofBytes(byte[] bytes) throws ParquetProblem {
        if (type == PhysicalType.INT96) {
            ByteBuffer parts = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
            long nanos = parts.getLong();
            long day = (parts.getInt() & 0xffffffffL) - JULIAN_1970;
            return dateTime(day * 86_400 + Math.floorDiv(nanos, SECOND), (int) Math.floorMod(nanos, SECOND));
        }
        return switch (element.meaning()) {
            case TEXT -> text(bytes);
            case PLAIN -> textOrBase64(bytes);
            case DECIMAL -> decimal(bytes);
            case UUID -> bytes.length == 2 * Long.BYTES ? uuid(ByteBuffer.wrap(bytes)) : base64(bytes);
            case FLOAT16 ->
                bytes.length == Short.BYTES ? ofFloat(half((bytes[0] & 0xff) | bytes[1] << 8)) : base64(bytes);
            default -> base64(bytes);
        };
    }

    private BigDecimal decimal(byte[] bytes) throws ParquetProblem {
        if (bytes.length == 0 || bytes.length > MAX_DECIMAL) { // a long one would take quadratic time to write
            throw ParquetProblem.damaged(
                    "a decimal number has " + bytes.length + " bytes, where 1 to " + MAX_DECIMAL + " were expected");
        }
        return new BigDecimal(new BigInteger(bytes), element.scale());
    }

    private static String text(byte[] bytes) throws ParquetProblem {
        try {
            return utf8(bytes);
        } catch (CharacterCodingException e) {
            throw ParquetProblem.damaged("a text is not UTF-8", e);
        }
    }

    private static String textOrBase64(byte[] bytes) {
        try {
            return utf8(bytes);
        } catch (CharacterCodingException e) {
            return base64(bytes);
        }
    }

    /** A text, if these are the bytes of one and nothing else. */
    private static String utf8(byte[] bytes) throws CharacterCodingException {
        return StandardCharsets.UTF_8
                .newDecoder()
                .decode(ByteBuffer.wrap(bytes))
                .toString();
    }

    private static String base64(byte[] bytes) {
        return Base64.getEncoder().encodeToString(bytes);
    }

    private static String uuid(ByteBuffer bytes) {
        return new UUID(bytes.getLong(), bytes.getLong()).toString();
    }

    /** A number of IEEE 754's binary16: sign, 5 bits of exponent, 10 of fraction. */
    private static float half(int bits) {
        int exponent = bits >>> 10 & 0x1f;
        int fraction = bits & 0x3ff;
        float size = exponent == 0
                ? fraction * 0x1p-24f
                : exponent == 0x1f
                        ? (fraction == 0 ? Float.POSITIVE_INFINITY : Float.NaN)
                        : Math.scalb(1 + fraction * 0x1p-10f, exponent - 15);
        return (bits & 0x8000) == 0 ? size : -size;
    }
}
