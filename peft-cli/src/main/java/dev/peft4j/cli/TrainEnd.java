package dev.peft4j.cli;

import dev.peft4j.core.data.Example;
import dev.peft4j.core.error.NonFiniteException;
import dev.peft4j.core.train.Evaluation;
import dev.peft4j.core.train.TrainingResult;
import dev.peft4j.run.RunDirectory;
import dev.peft4j.run.TaskScores;
import dev.peft4j.run.TrainedAdapters;
import dev.peft4j.run.TrainingRun;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/**
 * What the command line says at the end of a run, good or bad.
 *
 * @param out where the adapter goes, or the model if all weights are trained
 * @param full whether all weights are trained
 */
record TrainEnd(PrintWriter console, Path out, boolean full) {
    /** Trains, and says what there is if that ends badly. */
    TrainingResult of(TrainingRun run, List<? extends Example> records, List<? extends Example> heldOut)
            throws IOException {
        try {
            return run.train(records, heldOut);
        } catch (NonFiniteException e) {
            if (full || run.bestStep() == 0) {
                console.println("the run ended before anything was good enough to be kept: no "
                        + (full ? "model" : "adapter") + " was written in this run");
            } else {
                console.printf(
                        Locale.ROOT,
                        "the run ended, and the adapter of its best evaluation is in %s: step %d, held-out loss %.4f%n",
                        out,
                        run.bestStep(),
                        run.bestLoss());
            }
            throw e;
        }
    }

    /** Says where everything is. */
    void print(TrainingRun run, TrainingResult result, TrainedAdapters adapters, RunDirectory directory) {
        TaskScores scores = run.scores();
        if (scores != null) {
            console.printf("tuned:   %s%n", scores.line());
        }
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
        if (tuned != null && run.bestLoss() < tuned.loss()) {
            console.printf(
                    Locale.ROOT,
                    "the held-out loss was lower at step %d (%.4f); with --patience a run keeps its best parameters%n",
                    run.bestStep(),
                    run.bestLoss());
        }
        console.flush();
    }
}
