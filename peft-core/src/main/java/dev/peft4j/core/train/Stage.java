package dev.peft4j.core.train;

import dev.peft4j.core.error.BadInputException;

/**
 * A part of a run in which the same tensors are trained.
 *
 * @param trained what is trained
 * @param length how long
 * @param rate factor of the learning rate, above 0
 * @param decay factor of the learning rate from one block to the one in front of it, above 0 and at most 1: layer-wise decay, as in ELECTRA and BEiT, or the
 *     discriminative rates of Howard and Ruder 2018, <a href="https://arxiv.org/abs/1801.06146">paper</a>, section 3.2, with 1 / 2.6
 * @param batchStatistics whether norms of channels take the statistics of the batch where their part of the model is trained; else all have running ones
 */
public record Stage(TensorChoice trained, Length length, double rate, double decay, boolean batchStatistics) {
    /** What the length of a stage is counted in. */
    public enum Unit {
        /** Passes over the records. */
        EPOCHS,
        /** Shares of the steps of the run. */
        SHARE,
        /** To the end of the run. */
        REST
    }

    /**
     * How long a stage is.
     *
     * @param amount above 0; a share is at most 1
     * @param unit that it is counted in
     */
    public record Length(double amount, Unit unit) {
        /** To the end of the run. */
        public static final Length REST = new Length(1, Unit.REST);

        /** Checks the amount. */
        public Length {
            if (!(amount > 0 && Double.isFinite(amount)) || (unit == Unit.SHARE && amount > 1)) {
                throw new BadInputException("a stage of " + text(amount, unit)
                        + " was asked for; epochs are above 0, and shares from above 0 to 100 %. Change the length, or"
                        + " leave the stage out.");
            }
        }

        private static String text(double amount, Unit unit) {
            return unit == Unit.SHARE ? number(100 * amount) + " % of the steps" : number(amount) + " epochs";
        }
    }

    /** Checks the factors. */
    public Stage {
        if (!(rate > 0 && Double.isFinite(rate))) {
            throw new BadInputException("a stage with the rate " + number(rate)
                    + " was asked for; the factor of the learning rate is above 0. Change it.");
        }
        if (!(decay > 0 && decay <= 1)) {
            throw new BadInputException("a stage with the decay " + number(decay)
                    + " was asked for; the factor from block to block is above 0 and at most 1. Change it.");
        }
    }

    /** To the end of the run, at the full rate everywhere, with running statistics. */
    public static Stage of(TensorChoice trained) {
        return new Stage(trained, Length.REST, 1, 1, false);
    }

    /** For so many passes over the records. */
    public Stage forEpochs(double epochs) {
        return new Stage(trained, new Length(epochs, Unit.EPOCHS), rate, decay, batchStatistics);
    }

    /** For a share of the steps of the run. */
    public Stage forShare(double share) {
        return new Stage(trained, new Length(share, Unit.SHARE), rate, decay, batchStatistics);
    }

    /** With another factor of the learning rate. */
    public Stage withRate(double factor) {
        return new Stage(trained, length, factor, decay, batchStatistics);
    }

    /** With a factor from block to block. */
    public Stage withDecay(double factor) {
        return new Stage(trained, length, rate, factor, batchStatistics);
    }

    /** With statistics of the batch where it is trained. */
    public Stage withBatchStatistics() {
        return new Stage(trained, length, rate, decay, true);
    }

    /** Whether running statistics move. */
    boolean movesStatistics() {
        return batchStatistics || trained instanceof TensorChoice.Statistics;
    }

    /** Without a point where there is nothing behind it. */
    static String number(double value) {
        return value == Math.rint(value) && Math.abs(value) < 1e9
                ? String.valueOf((long) value)
                : String.valueOf(value);
    }

    /** The text that {@link Strategy#parse} reads. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder(trained.toString());
        switch (length.unit) {
            case EPOCHS -> text.append('@').append(number(length.amount));
            case SHARE -> text.append('@').append(number(100 * length.amount)).append('%');
            case REST -> text.append("");
        }
        if (rate != 1) {
            text.append(",rate=").append(number(rate));
        }
        if (decay != 1) {
            text.append(",decay=").append(number(decay));
        }
        if (batchStatistics) {
            text.append(",statistics=batch");
        }
        return text.toString();
    }
}
