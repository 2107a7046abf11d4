package dev.peft4j.core.train;

import dev.peft4j.core.error.BadInputException;
import org.jspecify.annotations.Nullable;

/**
 * How to train.
 *
 * @param steps optimiser steps; 0 for whole epochs
 * @param epochs passes over the records, each of them once, if {@code steps} is 0
 * @param batchSize sequences of one forward pass
 * @param groupByLength whether the sequences of a pass have like lengths, as with transformers' {@code group_by_length}
 * @param accumulation forward passes of one optimiser step
 * @param learningRate highest rate of the schedule
 * @param schedule of the rate
 * @param warmup share of the steps in which the rate rises from 0, from 0 to 1
 * @param optimizer that changes the parameters
 * @param weightDecay of the optimizer
 * @param decay which parameters are decayed
 * @param maxGradNorm gradients are scaled down to this norm; 0 for never
 * @param evaluateEvery steps between evaluations; 0 for only before and after
 * @param patience the run ends after this many evaluations without a better loss, and the best parameters are put back; 0 for never
 * @param seed of the order of records, of dropout and of what is mixed
 * @param mixup images of a forward pass are mixed with each other, by a share that is drawn from Beta(mixup, mixup) for each pass: Zhang et al. 2018,
 *     <a href="https://arxiv.org/abs/1710.09412">paper</a>; above 0, such as 0.2; null for never
 */
public record TrainingConfig(
        int steps,
        double epochs,
        int batchSize,
        boolean groupByLength,
        int accumulation,
        double learningRate,
        Schedule schedule,
        double warmup,
        OptimizerConfig optimizer,
        double weightDecay,
        OptimizerConfig.Decay decay,
        double maxGradNorm,
        int evaluateEvery,
        int patience,
        long seed,
        @Nullable Double mixup) {

    /** Checks the ranges. */
    public TrainingConfig {
        require(
                steps >= 0 && (steps > 0 || epochs > 0),
                "steps " + steps + ", epochs " + epochs,
                "one of them above 0");
        require(steps > 0 || Double.isFinite(epochs), "epochs " + epochs, "a number, such as 3");
        require(
                batchSize > 0 && accumulation > 0,
                "batch size " + batchSize + ", accumulation " + accumulation,
                "at least 1");
        require(
                (long) batchSize * accumulation <= Integer.MAX_VALUE,
                "batch size " + batchSize + ", accumulation " + accumulation,
                "at most " + Integer.MAX_VALUE + " records of a step");
        require(
                learningRate > 0 && Double.isFinite(learningRate),
                "learning rate " + learningRate,
                "above 0, such as 1e-3");
        require(warmup >= 0 && warmup <= 1, "warm-up " + warmup, "a share from 0 to 1, such as 0.1");
        require(weightDecay >= 0 && Double.isFinite(weightDecay), "weight decay " + weightDecay, "at least 0");
        require(
                maxGradNorm >= 0 && Double.isFinite(maxGradNorm),
                "gradient norm " + maxGradNorm,
                "at least 0; 0 is never clipped");
        require(
                evaluateEvery >= 0 && patience >= 0,
                "evaluation every " + evaluateEvery + ", patience " + patience,
                "at least 0");
        require(
                patience == 0 || evaluateEvery > 0,
                "patience " + patience,
                "used with an evaluation every N steps above 0");
        require(
                mixup == null || (mixup > 0 && Double.isFinite(mixup)),
                "mixup " + mixup,
                "a number above 0, such as 0.2");
    }

    private static void require(boolean condition, String found, String expected) {
        if (!condition) {
            throw new BadInputException(found + " was given; it must be " + expected + ". Change the setting.");
        }
    }

    /**
     * The steps of a run. An epoch is every record once: its last batch may be smaller, and its last step may have fewer batches.
     *
     * @throws BadInputException if there are more than an int can count
     */
    int stepsFor(int records) {
        if (steps > 0) {
            return steps;
        }
        int perEpoch = stepsPerEpoch(records);
        double all = Math.ceil(epochs * perEpoch);
        require(
                all <= Integer.MAX_VALUE,
                "epochs " + epochs + " with " + perEpoch + " steps each",
                "at most " + Integer.MAX_VALUE + " steps");
        return (int) all;
    }

    /** The steps of a pass over so many records. */
    int stepsPerEpoch(int records) {
        long batches = ((long) records + batchSize - 1) / batchSize;
        return (int) ((batches + accumulation - 1) / accumulation);
    }

    /** The steps of the warm-up of a run of so many steps, rounded up as in transformers. */
    int warmupSteps(int all) {
        return (int) Math.ceil(all * warmup);
    }

    /** Usual settings: AdamW without decay, 10 % warm-up then linear decay, gradients clipped to norm 1. */
    public static TrainingConfig of(int steps, int batchSize, double learningRate) {
        return builder()
                .steps(steps)
                .epochs(0)
                .batchSize(batchSize)
                .learningRate(learningRate)
                .build();
    }

    /** Usual settings, to be changed: one epoch, 16 sequences of a pass, a highest rate of 1e-3, and the rest as in {@link #of}. */
    public static Builder builder() {
        return new Builder();
    }

    /** These settings, to be changed. */
    public Builder toBuilder() {
        Builder b = new Builder();
        b.steps = steps;
        b.epochs = epochs;
        b.batchSize = batchSize;
        b.groupByLength = groupByLength;
        b.accumulation = accumulation;
        b.learningRate = learningRate;
        b.schedule = schedule;
        b.warmup = warmup;
        b.optimizer = optimizer;
        b.weightDecay = weightDecay;
        b.decay = decay;
        b.maxGradNorm = maxGradNorm;
        b.evaluateEvery = evaluateEvery;
        b.patience = patience;
        b.seed = seed;
        b.mixup = mixup;
        return b;
    }

    /** With another seed. */
    public TrainingConfig withSeed(long newSeed) {
        return toBuilder().seed(newSeed).build();
    }

    /** With sequences of like lengths in a pass. */
    public TrainingConfig withGroupByLength() {
        return toBuilder().groupByLength(true).build();
    }

    /** With an evaluation on the held-out records every so many steps, and an end after so many without improvement. */
    public TrainingConfig withEvaluation(int every, int newPatience) {
        return toBuilder().evaluation(every, newPatience).build();
    }

    /** With images of a pass mixed by shares of Beta(alpha, alpha). */
    public TrainingConfig withMixup(double alpha) {
        return toBuilder().mixup(alpha).build();
    }

    /** Settings by their names; what is not set is usual. */
    public static final class Builder {
        private int steps;
        private double epochs = 1;
        private int batchSize = 16;
        private boolean groupByLength;
        private int accumulation = 1;
        private double learningRate = 1e-3;
        private Schedule schedule = Schedule.LINEAR;
        private double warmup = 0.1;
        private OptimizerConfig optimizer = OptimizerConfig.DEFAULT;
        private double weightDecay;
        private OptimizerConfig.Decay decay = OptimizerConfig.Decay.NOT_NORMS_AND_BIASES;
        private double maxGradNorm = 1;
        private int evaluateEvery;
        private int patience;
        private long seed;
        private @Nullable Double mixup;

        private Builder() {}

        /** Optimiser steps; 0 for {@link #epochs}. */
        public Builder steps(int count) {
            steps = count;
            return this;
        }

        /** Passes over the records, also parts of one; counts where {@link #steps} is 0. */
        public Builder epochs(double count) {
            epochs = count;
            return this;
        }

        /** Sequences of one forward pass. */
        public Builder batchSize(int sequences) {
            batchSize = sequences;
            return this;
        }

        /** Whether the sequences of a pass have like lengths. */
        public Builder groupByLength(boolean grouped) {
            groupByLength = grouped;
            return this;
        }

        /** Forward passes of one optimiser step. */
        public Builder accumulation(int passes) {
            accumulation = passes;
            return this;
        }

        /** Highest rate of the schedule. */
        public Builder learningRate(double rate) {
            learningRate = rate;
            return this;
        }

        /** How the rate falls. */
        public Builder schedule(Schedule shape) {
            schedule = shape;
            return this;
        }

        /** Share of the steps in which the rate rises from 0. */
        public Builder warmup(double share) {
            warmup = share;
            return this;
        }

        /** What changes the parameters. */
        public Builder optimizer(OptimizerConfig config) {
            optimizer = config;
            return this;
        }

        /** Of the optimizer. */
        public Builder weightDecay(double share) {
            weightDecay = share;
            return this;
        }

        /** Which parameters are decayed. */
        public Builder decay(OptimizerConfig.Decay rule) {
            decay = rule;
            return this;
        }

        /** Gradients are scaled down to this norm; 0 for never. */
        public Builder maxGradNorm(double norm) {
            maxGradNorm = norm;
            return this;
        }

        /**
         * When the held-out records are evaluated besides before and after.
         *
         * @param every steps; 0 for never
         * @param evaluations without a better loss after which the run ends and the best parameters are put back; 0 for never
         */
        public Builder evaluation(int every, int evaluations) {
            evaluateEvery = every;
            patience = evaluations;
            return this;
        }

        /** Of the order of records, of dropout and of what is mixed. */
        public Builder seed(long number) {
            seed = number;
            return this;
        }

        /** Mixes the images of a pass with each other, by a share from Beta(alpha, alpha): above 0, such as 0.2. Evaluations are never mixed. */
        public Builder mixup(double alpha) {
            mixup = alpha;
            return this;
        }

        /**
         * The settings.
         *
         * @throws BadInputException if one is out of its range
         */
        public TrainingConfig build() {
            return new TrainingConfig(
                    steps,
                    epochs,
                    batchSize,
                    groupByLength,
                    accumulation,
                    learningRate,
                    schedule,
                    warmup,
                    optimizer,
                    weightDecay,
                    decay,
                    maxGradNorm,
                    evaluateEvery,
                    patience,
                    seed,
                    mixup);
        }
    }
}
