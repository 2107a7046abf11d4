package dev.peft4j;

import dev.peft4j.core.train.Evaluation;
import dev.peft4j.core.train.TrainingResult;
import dev.peft4j.run.TaskScores;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * What a training run came to. {@link #toString} is a table to be read.
 *
 * @param result steps, time, and the model before and after
 * @param newModules modules with random values at the start, because the checkpoint has none; empty if what is called base is one
 * @param trainable elements that were trained
 * @param all elements of the model and the adapter
 * @param records that were trained on
 * @param heldOut records that were evaluated
 * @param cut records that were longer than allowed
 * @param leftOut records that had nothing to learn from, whether they were cut or not
 * @param scores of the held-out records in the terms of the task, by the model after training; null if there are none, the task has none beside the loss, or the run
 *     was stopped before
 */
public record Report(
        TrainingResult result,
        List<String> newModules,
        long trainable,
        long all,
        int records,
        int heldOut,
        int cut,
        int leftOut,
        @Nullable TaskScores scores) {
    /** The held-out records by the model before training; null if there are none. */
    public @Nullable Evaluation base() {
        return result.base();
    }

    /** The same records by the model after training; null if there are none, or the run was stopped before. */
    public @Nullable Evaluation tuned() {
        return result.tuned();
    }

    /** Whether the run was stopped from outside before its end. */
    public boolean isInterrupted() {
        return result.interrupted();
    }

    /** The line that PEFT prints. */
    public static String trainableLine(long trainable, long all) {
        return String.format(
                Locale.ROOT,
                "trainable params: %,d || all params: %,d || trainable%%: %.4f",
                trainable,
                all,
                100.0 * trainable / all);
    }

    /** The held-out records before and after, as lines; none if there is nothing to compare. */
    public static String table(TrainingResult result, boolean isBase) {
        Evaluation base = result.base();
        Evaluation tuned = result.tuned();
        if (base == null || tuned == null) {
            return "";
        }
        return String.format(
                        Locale.ROOT,
                        "%-42s %9s     tuned%n",
                        "held-out records (" + tuned.countText() + ")",
                        isBase ? "base" : "untrained")
                + String.format(Locale.ROOT, "  %-40s %9.4f %9.4f%n", "loss", base.loss(), tuned.loss())
                + String.format("  %-40s %9s %9s%n", tuned.measureName(), base.measuredText(), tuned.measuredText())
                + (result.isWorse()
                        ? String.format(
                                "WARNING: the tuned model is worse than the one before training on these records.%n")
                        : "");
    }

    @Override
    public String toString() {
        String end = result.stoppedEarly()
                ? ", stopped early: the held-out loss no longer fell"
                : isInterrupted() ? ", stopped from outside" : "";
        return table(result, newModules.isEmpty())
                + (scores == null ? "" : String.format("  tuned: %s%n", scores.line()))
                + trainableLine(trainable, all)
                + String.format(
                        Locale.ROOT,
                        "%n%,d records, %,d held out; %,d steps%s; %,d %s in %.1f s",
                        records,
                        heldOut,
                        result.steps(),
                        end,
                        result.tokens(),
                        result.unit(),
                        result.seconds());
    }
}
