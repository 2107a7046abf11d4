package dev.peft4j.core.data;

import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.tensor.Tensor;
import java.util.List;

/**
 * Rows that a model made of records before: what a head is trained on when its base does not change.
 *
 * <p>Shapes: R rows of all records one after another, (R, C).
 */
public final class FeatureBatch implements Batch {
    private final List<Features> records;
    private final Targets targets;

    private FeatureBatch(List<Features> records, Targets targets) {
        this.records = records;
        this.targets = targets;
    }

    /**
     * What a layer made of one record.
     *
     * @param values (rows, C), row by row
     * @param width C
     * @param targets what is to be predicted of the record
     */
    public record Features(float[] values, int width, Targets targets) implements Example {
        /**
         * Checks the sizes.
         *
         * @throws BadInputException if the values are no whole rows
         */
        public Features {
            if (width < 1 || values.length == 0 || values.length % width != 0) {
                throw new BadInputException(values.length + " values were given for rows of " + width
                        + " columns. Give whole rows, one at least.");
            }
        }

        /** Number of rows. */
        @Override
        public int length() {
            return values.length / width;
        }
    }

    /**
     * Records in their order.
     *
     * @throws BadInputException if their rows have different widths, or their targets are not of one kind
     */
    public static FeatureBatch of(List<Features> records) {
        for (Features f : records) {
            if (f.width != records.get(0).width) {
                throw new BadInputException(
                        "rows of " + f.width + " columns were given in a batch whose first ones have "
                                + records.get(0).width + ". Give rows of one layer.");
            }
        }
        return new FeatureBatch(
                List.copyOf(records),
                Targets.joined(records.stream().map(Features::targets).toList()));
    }

    @Override
    public int size() {
        return records.size();
    }

    /** Number of all rows R. */
    @Override
    public int length() {
        return records.stream().mapToInt(Features::length).sum();
    }

    @Override
    public Targets targets() {
        return targets;
    }

    /** The records. */
    public List<Features> records() {
        return records;
    }

    /** Columns C. */
    public int width() {
        return records.get(0).width;
    }

    /** Writes all rows (R, C). */
    public void writeTo(Tensor rows) {
        int row = 0;
        for (Features f : records) {
            rows.rows(row, f.length()).set(f.values);
            row += f.length();
        }
    }
}
