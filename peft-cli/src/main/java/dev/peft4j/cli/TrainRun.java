package dev.peft4j.cli;

import dev.peft4j.core.autograd.NonFiniteException;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.model.MergedModel;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.train.Checkpoints;
import dev.peft4j.core.train.Evaluation;
import dev.peft4j.core.train.HtmlReport;
import dev.peft4j.core.train.JsonlLog;
import dev.peft4j.core.train.Trainer;
import dev.peft4j.core.train.TrainingConfig;
import dev.peft4j.core.train.TrainingListener;
import dev.peft4j.core.train.TrainingResult;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * A run of the command line: what is written while it goes on, when it ends, and when it ends badly.
 *
 * @param out where the adapter goes, or the model if all weights are trained
 * @param directory of state, log and report
 * @param full whether all weights are trained
 * @param notes that are saved with adapters
 * @param saveSteps steps between checkpoints; 0 for never
 * @param saveSeconds seconds between checkpoints; 0 for never
 */
record TrainRun(
        PrintWriter console,
        Path out,
        RunDirectory directory,
        boolean full,
        Map<String, String> notes,
        int saveSteps,
        int saveSeconds) {

    /** Trains, and writes what there is to write. */
    void run(
            Model model,
            AdapterSet adapters,
            TrainingConfig config,
            List<PackedBatch.Sequence> records,
            List<PackedBatch.Sequence> heldOut,
            HtmlReport report,
            StopOnSignal signals)
            throws IOException {
        Saver saver = new Saver(adapters, model);
        TrainingResult result;
        try (ConsoleProgress progress = new ConsoleProgress(console);
                JsonlLog log = new JsonlLog(directory.log())) {
            List<TrainingListener> listeners =
                    List.of(progress, log, new Replay(directory.log(), report), report, saver);
            Checkpoints checkpoints = new Checkpoints(directory.state(), saveSteps, Duration.ofSeconds(saveSeconds));
            Trainer trainer = new Trainer(model, adapters.all(), config, listeners);
            trainer = directory.resumes() ? trainer.resume(checkpoints) : trainer.keepState(checkpoints);
            signals.whenAsked(trainer::stop);
            result = trainer.train(records, heldOut);
        } catch (NonFiniteException e) {
            console.println(saver.afterFailure());
            throw e;
        }
        if (!full) {
            adapters.save(out, model, notes);
        } else if (!result.interrupted()) {
            MergedModel.write(out, model, adapters.all().get(0));
        }
        report.write(directory.report());
        end(result, adapters, saver);
    }

    private void end(TrainingResult result, AdapterSet adapters, Saver saver) {
        if (full) {
            console.printf("model:   %s%n", result.interrupted() ? "none yet" : out);
        } else {
            adapters.directories(out).forEach(d -> console.printf("adapter: %s%n", d));
        }
        console.printf("report:  %s%n", directory.report());
        if (result.interrupted()) {
            console.printf(
                    "state:   %s, of step %d; the same command with --resume goes on from there%n",
                    directory.state(), result.steps());
        }
        Evaluation tuned = result.tuned();
        if (tuned != null && saver.bestLoss < tuned.loss()) {
            console.printf(
                    Locale.ROOT,
                    "the held-out loss was lower at step %d (%.4f); with --patience a run keeps its best parameters%n",
                    saver.bestStep,
                    saver.bestLoss);
        }
        console.flush();
    }

    /** Saves the adapter when it is the best so far, so that a run that ends badly leaves the best one. */
    private final class Saver implements TrainingListener {
        private final AdapterSet adapters;
        private final Model model;
        private double bestLoss = Double.POSITIVE_INFINITY;
        private int bestStep;

        Saver(AdapterSet adapters, Model model) {
            this.adapters = adapters;
            this.model = model;
        }

        @Override
        public void onBest(int step, Evaluation evaluation) {
            bestLoss = evaluation.loss();
            bestStep = step;
            if (full) {
                return;
            }
            try {
                adapters.save(out, model, notes);
            } catch (IOException e) {
                throw new UncheckedIOException(e.getMessage(), e);
            }
        }

        /** What is there after a value that was not finite. */
        String afterFailure() {
            if (full || bestStep == 0) {
                return "the run ended before anything was good enough to be kept: no " + (full ? "model" : "adapter")
                        + " was written in this run";
            }
            return String.format(
                    Locale.ROOT,
                    "the run ended, and the adapter of its best evaluation is in %s: step %d, held-out loss %.4f",
                    out,
                    bestStep,
                    bestLoss);
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
