package dev.peft4j.run;

import dev.peft4j.core.compose.MergedAdapter;
import dev.peft4j.core.compose.MergedModel;
import dev.peft4j.core.data.Example;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.error.NonFiniteException;
import dev.peft4j.core.error.StoppedException;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.train.Checkpoints;
import dev.peft4j.core.train.Evaluation;
import dev.peft4j.core.train.HtmlReport;
import dev.peft4j.core.train.JsonlLog;
import dev.peft4j.core.train.Objective;
import dev.peft4j.core.train.Strategy;
import dev.peft4j.core.train.Trainer;
import dev.peft4j.core.train.TrainingConfig;
import dev.peft4j.core.train.TrainingListener;
import dev.peft4j.core.train.TrainingResult;
import dev.peft4j.models.data.RecordEncoder;
import dev.peft4j.models.data.TextRecord;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A run, and what is written while it goes on, when it ends, and when it ends badly: without a directory nothing; with one the state, the log, the page, the
 * adapters whenever they are the best so far and at the end, or the model if all weights are trained.
 */
public final class TrainingRun {
    private static final Logger LOG = LoggerFactory.getLogger(TrainingRun.class);

    private final Model model;
    private final TrainedAdapters adapters;
    private final TrainingConfig config;
    private final List<TrainingListener> listeners;
    private final Saver saver = new Saver();
    private @Nullable Output output;
    private @Nullable Objective objective;
    private @Nullable Strategy strategy;
    private @Nullable Path cache;
    private @Nullable Scored scored;
    private @Nullable TaskScores scores;
    private volatile boolean stopped;
    private volatile @Nullable Trainer trainer;

    /**
     * What is written.
     *
     * @param directory of the run
     * @param checkpoints of its state
     * @param report page of the results
     * @param notes that are saved with adapters
     */
    private record Output(
            RunDirectory directory, Checkpoints checkpoints, HtmlReport report, Map<String, String> notes) {}

    /** What is scored at the end. */
    private record Scored(RecordEncoder encoder, List<TextRecord> records) {}

    /** A run that writes nothing. */
    public TrainingRun(
            Model model, TrainedAdapters adapters, TrainingConfig config, List<? extends TrainingListener> listeners) {
        this.model = model;
        this.adapters = adapters;
        this.config = config;
        this.listeners = List.copyOf(listeners);
    }

    /**
     * Writes to a directory, which stays the caller's to close.
     *
     * @param steps between checkpoints; 0 for never
     * @param time between checkpoints; 0 for never
     * @param report page of the results
     * @param notes that are saved with adapters
     */
    public TrainingRun in(
            RunDirectory directory, int steps, Duration time, HtmlReport report, Map<String, String> notes) {
        output = new Output(directory, new Checkpoints(directory.state(), steps, time), report, notes);
        return this;
    }

    /** Trains by another objective than the loss of the model's head. */
    public TrainingRun by(Objective other) {
        objective = other;
        return this;
    }

    /**
     * Trains in stages; the adapter that is trained is made by {@link Strategy#inPlace} or {@link Strategy#ofCopies}.
     *
     * @param features directory of the features of a strategy that caches them; null for memory alone
     */
    public TrainingRun by(Strategy stages, @Nullable Path features) {
        strategy = stages;
        cache = features;
        return this;
    }

    /**
     * Scores held-out records with what was trained, when a run has come to its end; on the page and in the log they have the key {@code scores}.
     *
     * @param encoder of the task
     * @param records the held-out ones, of which the examples are made; none if there is nothing to score
     */
    public TrainingRun scoring(RecordEncoder encoder, List<TextRecord> records) {
        scored = new Scored(encoder, List.copyOf(records));
        return this;
    }

    /** The scores of the held-out records by what was trained; null before the end, of a run that was stopped, and of tasks that have none beside the loss. */
    public @Nullable TaskScores scores() {
        return scores;
    }

    /** Ends the run behind the step that it is in, with its state saved; callable from any thread and at any time. */
    public void stop() {
        stopped = true;
        Trainer running = trainer;
        if (running != null) {
            running.stop();
        }
    }

    /**
     * Trains, and writes what there is to write.
     *
     * @throws dev.peft4j.core.error.BadFileException if the state of a run that goes on is damaged, or of another run
     * @throws IOException if something cannot be written
     * @throws dev.peft4j.core.error.NonFiniteException if a value becomes infinite or not a number; the best adapter so far is on the disk then
     */
    public TrainingResult train(List<? extends Example> records, List<? extends Example> heldOut) throws IOException {
        try {
            return trainAndWrite(records, heldOut);
        } catch (UncheckedIOException e) { // of a listener, or of the state of the run
            throw e.getCause();
        }
    }

    private TrainingResult trainAndWrite(List<? extends Example> records, List<? extends Example> heldOut)
            throws IOException {
        Output out = output;
        TrainingResult result;
        if (out == null) {
            result = start(trainer(listeners)).train(records, heldOut);
            scores = score(result);
            return result;
        }
        RunDirectory directory = out.directory;
        requireApart(directory);
        try (JsonlLog log = new JsonlLog(directory.log())) {
            List<TrainingListener> all = new ArrayList<>(listeners);
            all.addAll(List.of(log, new Replay(directory.log(), out.report), out.report, saver));
            Trainer t = trainer(all);
            result = start(directory.resumes() ? t.resume(out.checkpoints) : t.keepState(out.checkpoints))
                    .train(records, heldOut);
            if (result.interrupted() && result.steps() == 0) {
                return result; // nothing that could stand in place of an adapter that is there
            }
            if (!directory.isBesideModel()) {
                adapters.save(directory.target(), model, out.notes);
            } else if (!result.interrupted()) {
                writeModel(directory.target());
            }
            TaskScores found = score(result);
            if (found != null) {
                scores = found;
                log.writeScores(result.steps(), found.toJson());
                out.report.setSection(ScoresPage.TITLE, ScoresPage.of(found));
            }
        }
        out.report.write(directory.report());
        return result;
    }

    /** Features in the directory of a model would be files that are in its way. */
    private void requireApart(RunDirectory directory) {
        Path features = cache;
        if (features != null && normal(features).startsWith(normal(directory.target()))) {
            throw new BadInputException(
                    "features were to be kept in " + features + ", and the model is to be written to "
                            + directory.target() + ", which has to be empty. Keep them elsewhere.");
        }
    }

    private static Path normal(Path path) {
        return path.toAbsolutePath().normalize();
    }

    /** What was trained stays if the run is stopped meanwhile, and if what it predicts cannot be scored. */
    private @Nullable TaskScores score(TrainingResult result) {
        Scored what = scored;
        if (what == null || result.tuned() == null) {
            return null;
        }
        try {
            TaskScores found = new Scorer(model, adapters.all(), what.encoder, () -> stopped).score(what.records);
            return found.isEmpty() ? null : found;
        } catch (StoppedException e) {
            return null;
        } catch (BadInputException | NonFiniteException e) {
            LOG.warn("the held-out records are not scored: {}", e.getMessage());
            return null;
        }
    }

    /** An interrupt behind the last step does not take what was trained. */
    private void writeModel(Path target) throws IOException {
        boolean interrupted = Thread.interrupted();
        try {
            Scored told = scored;
            try (MergedAdapter merged = MergedAdapter.of(model, adapters.all())) {
                MergedModel.write(
                        target,
                        model,
                        merged,
                        told == null ? List.of() : told.encoder.labels().names());
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private Trainer trainer(List<TrainingListener> told) {
        Trainer t = new Trainer(model, adapters.all(), config, told);
        t = objective == null ? t : t.withObjective(objective);
        t = strategy == null ? t : t.withStrategy(strategy);
        return cache == null ? t : t.keepFeatures(cache);
    }

    private Trainer start(Trainer t) {
        trainer = t;
        if (stopped) {
            t.stop();
        }
        return t;
    }

    /** The step of the best evaluation, whose adapter was saved; 0 if there was none. */
    public int bestStep() {
        return saver.step;
    }

    /** The loss of the best evaluation. */
    public double bestLoss() {
        return saver.loss;
    }

    /** Saves the adapters when they are the best so far, so that a run that ends badly leaves the best ones. */
    private final class Saver implements TrainingListener {
        private double loss = Double.POSITIVE_INFINITY;
        private int step;

        @Override
        public void onBest(int best, Evaluation evaluation) {
            loss = evaluation.loss();
            step = best;
            Output out = output;
            if (out == null || out.directory.isBesideModel()) {
                return;
            }
            try {
                adapters.save(out.directory.target(), model, out.notes);
            } catch (IOException e) {
                throw new UncheckedIOException(e.getMessage(), e);
            }
        }
    }

    /** Tells a report what the part of a run was that is in the log. */
    private record Replay(Path log, HtmlReport report) implements TrainingListener {
        @Override
        public void onResume(int step) {
            try {
                JsonlLog.replay(log, step, report);
            } catch (IOException e) {
                throw new UncheckedIOException(e.getMessage(), e);
            }
        }
    }
}
