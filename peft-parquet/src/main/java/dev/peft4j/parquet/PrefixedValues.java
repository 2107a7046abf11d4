package dev.peft4j.parquet;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Values that begin as the one before: with so many of its bytes, and then their own (DELTA_BYTE_ARRAY). */
final class PrefixedValues implements Values {
    private static final int MAX_BYTES = 1 << 30;

    private final DeltaReader prefixes;
    private final Suffixes suffixes;
    private final ValueKind kind;
    private final Budget budget;
    private byte[] before = new byte[0];

    PrefixedValues(Bytes bytes, int count, ValueKind kind, Budget budget) throws ParquetProblem {
        Values.require(kind, PhysicalType.BYTES, PhysicalType.FIXED_BYTES);
        Bytes again = bytes.copy();
        Values.deltas(bytes, count).finish();
        prefixes = Values.deltas(again, count);
        suffixes = Suffixes.read(bytes, count);
        this.kind = kind;
        this.budget = budget;
    }

    @Override
    public @Nullable Object next() throws ParquetProblem {
        long prefix = prefixes.next();
        if (prefix < 0 || prefix > before.length) {
            throw ParquetProblem.damaged(
                    "a value begins with " + prefix + " bytes of the one before, which has " + before.length);
        }
        byte[] own = suffixes.next();
        budget.bytes(prefix + own.length); // a few bytes can mean long values
        byte[] value = join((int) prefix, own);
        before = value;
        return kind.json(value);
    }

    private byte[] join(int prefix, byte[] own) throws ParquetProblem {
        if (prefix > MAX_BYTES - own.length) {
            throw ParquetProblem.tooMuch(
                    "a value has " + ((long) prefix + own.length) + " bytes, and " + MAX_BYTES + " are the most",
                    "as several values");
        }
        byte[] value = Arrays.copyOf(before, prefix + own.length);
        System.arraycopy(own, 0, value, prefix, own.length);
        return value;
    }
}
