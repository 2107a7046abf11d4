package dev.peft4j.core.train;

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
 * @param weightDecay of AdamW; norms and biases are not decayed, as in transformers
 * @param maxGradNorm gradients are scaled down to this norm; 0 for never
 * @param evaluateEvery steps between evaluations; 0 for only before and after
 * @param patience the run ends after this many evaluations without a better loss, and the best parameters are put back; 0 for never
 * @param seed of the order of records and of dropout
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
        double weightDecay,
        double maxGradNorm,
        int evaluateEvery,
        int patience,
        long seed) {

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
    }

    private static void require(boolean condition, String found, String expected) {
        if (!condition) {
            throw new IllegalArgumentException(found + " was given; it must be " + expected + ". Change the setting.");
        }
    }

    /**
     * The steps of a run. An epoch is every record once: its last batch may be smaller, and its last step may have fewer batches.
     *
     * @throws IllegalArgumentException if there are more than an int can count
     */
    int stepsFor(int records) {
        if (steps > 0) {
            return steps;
        }
        long batches = ((long) records + batchSize - 1) / batchSize;
        long perEpoch = (batches + accumulation - 1) / accumulation;
        double all = Math.ceil(epochs * perEpoch);
        require(
                all <= Integer.MAX_VALUE,
                "epochs " + epochs + " with " + perEpoch + " steps each",
                "at most " + Integer.MAX_VALUE + " steps");
        return (int) all;
    }

    /** The steps of the warm-up of a run of so many steps, rounded up as in transformers. */
    int warmupSteps(int all) {
        return (int) Math.ceil(all * warmup);
    }

    /** Usual settings: AdamW without decay, 10 % warm-up then linear decay, gradients clipped to norm 1. */
    public static TrainingConfig of(int steps, int batchSize, double learningRate) {
        return new TrainingConfig(steps, 0, batchSize, false, 1, learningRate, Schedule.LINEAR, 0.1, 0, 1, 0, 0, 0);
    }

    private TrainingConfig with(boolean grouped, int every, int newPatience, long newSeed) {
        return new TrainingConfig(
                steps,
                epochs,
                batchSize,
                grouped,
                accumulation,
                learningRate,
                schedule,
                warmup,
                weightDecay,
                maxGradNorm,
                every,
                newPatience,
                newSeed);
    }

    /** With another seed. */
    public TrainingConfig withSeed(long newSeed) {
        return with(groupByLength, evaluateEvery, patience, newSeed);
    }

    /** With sequences of like lengths in a pass. */
    public TrainingConfig withGroupByLength() {
        return with(true, evaluateEvery, patience, seed);
    }

    /** With an evaluation on the held-out records every so many steps, and an end after so many without improvement. */
    public TrainingConfig withEvaluation(int every, int newPatience) {
        return with(groupByLength, every, newPatience, seed);
    }
}
