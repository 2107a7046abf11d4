package dev.peft4j;

import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.train.Schedule;
import dev.peft4j.core.train.TrainingConfig;
import dev.peft4j.core.train.TrainingListener;
import dev.peft4j.models.NewHead;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * How to train, where to write, whom to tell, how to stop. Immutable: each method returns changed settings. What is not said is as in
 * {@link TrainingConfig#builder}: 16 records of a pass, a highest rate of 1e-3 after a warm-up of 10 %, falling linearly.
 */
public final class Training {
    private static final int MOST_CLASSES = 1_000_000;

    private final TrainingConfig config;
    private final int maxLength;
    private final int classes;
    private final @Nullable NewHead newHead;
    private final Output output;
    private final List<TrainingListener> listeners;
    private final List<Cancellation> cancellations;

    /**
     * What is written.
     *
     * @param directory null for nothing
     * @param steps between checkpoints; 0 for never
     * @param time between checkpoints; 0 for never
     * @param features directory of cached features; null for memory alone
     */
    record Output(
            @Nullable Path directory,
            boolean resumes,
            boolean overwrites,
            int steps,
            Duration time,
            @Nullable Path features) {
        private static final Output NONE = new Output(null, false, false, 0, Duration.ofSeconds(30), null);
    }

    private Training(
            TrainingConfig config,
            int maxLength,
            int classes,
            @Nullable NewHead newHead,
            Output output,
            List<TrainingListener> listeners,
            List<Cancellation> cancellations) {
        this.config = config;
        this.maxLength = maxLength;
        this.classes = classes;
        this.newHead = newHead;
        this.output = output;
        this.listeners = List.copyOf(listeners);
        this.cancellations = List.copyOf(cancellations);
    }

    /** So many passes over the records, also parts of one; the steps follow from the number of records. */
    public static Training epochs(double count) {
        return of(TrainingConfig.builder().epochs(count).build());
    }

    /** So many optimiser steps. */
    public static Training steps(int count) {
        return of(TrainingConfig.builder().steps(count).epochs(0).build());
    }

    /** With these settings of the loop. */
    public static Training of(TrainingConfig config) {
        return new Training(config, 0, 0, null, Output.NONE, List.of(), List.of());
    }

    private Training with(UnaryOperator<TrainingConfig.Builder> change) {
        TrainingConfig changed = change.apply(config.toBuilder()).build();
        return new Training(changed, maxLength, classes, newHead, output, listeners, cancellations);
    }

    private Training with(Output changed) {
        return new Training(config, maxLength, classes, newHead, changed, listeners, cancellations);
    }

    /** Highest rate of the schedule. */
    public Training learningRate(double rate) {
        return with(b -> b.learningRate(rate));
    }

    /** Records of one forward pass. */
    public Training batchSize(int records) {
        return with(b -> b.batchSize(records));
    }

    /** Forward passes of one optimiser step. */
    public Training accumulation(int passes) {
        return with(b -> b.accumulation(passes));
    }

    /** Records of like lengths in a pass. */
    public Training groupByLength() {
        return with(b -> b.groupByLength(true));
    }

    /** How the rate falls, and the share of the steps in which it rises before. */
    public Training schedule(Schedule shape, double warmup) {
        return with(b -> b.schedule(shape).warmup(warmup));
    }

    /** Of AdamW; norms and biases are not decayed. */
    public Training weightDecay(double decay) {
        return with(b -> b.weightDecay(decay));
    }

    /** Gradients are scaled down to this norm; 0 for never. */
    public Training maxGradNorm(double norm) {
        return with(b -> b.maxGradNorm(norm));
    }

    /**
     * When the held-out records are evaluated besides before and after.
     *
     * @param every steps; 0 for never
     * @param patience evaluations without a better loss after which the run ends and the best parameters are put back; 0 for never
     */
    public Training evaluation(int every, int patience) {
        return with(b -> b.evaluation(every, patience));
    }

    /**
     * Mixes the images of a pass, and their labels, with each other: mixup of Zhang et al. 2018. Held-out images are read as they are.
     *
     * @param alpha of the shares, which are drawn from Beta(alpha, alpha): above 0, such as 0.2
     */
    public Training mixup(double alpha) {
        return with(b -> b.mixup(alpha));
    }

    /** Of initial values, of the records that are held out, of their order, of dropout and of what is mixed. */
    public Training seed(long number) {
        return with(b -> b.seed(number));
    }

    /** Longer records are cut to so many tokens; without it, to the context of the model. */
    public Training maxLength(int tokens) {
        if (tokens < 1) {
            throw new BadInputException("records were to be cut to " + tokens
                    + " tokens; a greatest length is at least 1. Change the setting.");
        }
        return new Training(config, tokens, classes, newHead, output, listeners, cancellations);
    }

    /** So many outputs of a classifier, with a new head if its checkpoint has another number; 1 predicts a number. Without it, the records say: lists are several labels. */
    public Training classes(int outputs) {
        if (outputs < 1 || outputs > MOST_CLASSES) {
            throw new BadInputException(
                    outputs + " classes were asked for; it is at least 1, for a number, and at most " + MOST_CLASSES
                            + ". Change the setting.");
        }
        return new Training(config, maxLength, outputs, newHead, output, listeners, cancellations);
    }

    /** With a head of another form than the family has, which is new: several layers, or the mean of the tokens. */
    public Training newHead(NewHead form) {
        return new Training(config, maxLength, classes, form, output, listeners, cancellations);
    }

    /**
     * Writes to a directory: the adapter at the end and whenever it is the best so far, the state of the run every half minute and when it is stopped,
     * {@code log.jsonl}, {@code report.html}. Nothing that is there is replaced unasked. Of a strategy the whole model is written at the end, and the rest beside
     * it, to {@code DIRECTORY-report}.
     */
    public Training outputDir(Path directory) {
        return with(
                new Output(directory, output.resumes, output.overwrites, output.steps, output.time, output.features));
    }

    /** Goes on with the run in the directory, to the same bits as if it had not stopped; it has to have the same settings and records. */
    public Training resume() {
        return with(new Output(output.directory, true, output.overwrites, output.steps, output.time, output.features));
    }

    /** Replaces the adapter, or the state of a run, that is in the directory. */
    public Training overwrite() {
        return with(new Output(output.directory, output.resumes, true, output.steps, output.time, output.features));
    }

    /** How often the state of the run is kept: by steps, by time, or both; 0 for never. */
    public Training checkpoints(int steps, Duration time) {
        if (steps < 0 || time.isNegative()) {
            throw new BadInputException("the state of a run was to be kept every " + steps + " steps and every " + time
                    + "; both are at least 0, for never. Change the setting.");
        }
        return with(new Output(output.directory, output.resumes, output.overwrites, steps, time, output.features));
    }

    /** Keeps the features of {@code Strategy.cachedHead()} in a directory, and takes them from there another time. */
    public Training featureCache(Path directory) {
        return with(
                new Output(output.directory, output.resumes, output.overwrites, output.steps, output.time, directory));
    }

    /** Tells another listener what happens, on the thread that trains. */
    public Training listener(TrainingListener listener) {
        List<TrainingListener> all = new ArrayList<>(listeners);
        all.add(listener);
        return new Training(config, maxLength, classes, newHead, output, all, cancellations);
    }

    /** Ends the run when this is cancelled. */
    public Training cancelWith(Cancellation cancellation) {
        List<Cancellation> all = new ArrayList<>(cancellations);
        all.add(cancellation);
        return new Training(config, maxLength, classes, newHead, output, listeners, all);
    }

    /** The settings of the loop. */
    public TrainingConfig config() {
        return config;
    }

    int maxLength() {
        return maxLength;
    }

    int classes() {
        return classes;
    }

    @Nullable
    NewHead newHead() {
        return newHead;
    }

    Output output() {
        return output;
    }

    List<TrainingListener> listeners() {
        return listeners;
    }

    List<Cancellation> cancellations() {
        return cancellations;
    }
}
