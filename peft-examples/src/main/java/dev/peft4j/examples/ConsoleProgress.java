package dev.peft4j.examples;

import dev.peft4j.core.train.Evaluation;
import dev.peft4j.core.train.TrainingListener;
import dev.peft4j.core.train.TrainingResult;
import java.io.PrintWriter;
import java.util.Locale;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;

/** Shows a run on the console: what is trained, a progress bar, and base against tuned on the same records. */
final class ConsoleProgress implements TrainingListener, AutoCloseable {
    private static final int TERMINAL_INTERVAL = 200; // milliseconds
    private static final int PIPE_INTERVAL = 5000; // a file or pipe gets few lines

    private final PrintWriter out;
    private @Nullable ProgressBar bar;
    private long tokens;
    private double seconds;

    ConsoleProgress(PrintWriter out) {
        this.out = out;
    }

    @Override
    public void onStart(int steps, long trainable, long all) {
        out.println(trainableLine(trainable, all));
        out.flush();
        bar = new ProgressBarBuilder()
                .setTaskName("training")
                .setInitialMax(steps)
                .setStyle(ProgressBarStyle.ASCII)
                .setUpdateIntervalMillis(Boolean.getBoolean("peft4j.terminal") ? TERMINAL_INTERVAL : PIPE_INTERVAL)
                .setMaxRenderedLength(100)
                .build();
    }

    /** The line that PEFT prints. */
    static String trainableLine(long trainable, long all) {
        return String.format(
                Locale.ROOT,
                "trainable params: %,d || all params: %,d || trainable%%: %.4f",
                trainable,
                all,
                100.0 * trainable / all);
    }

    @Override
    public void onStep(int step, double loss, double learningRate, double gradientNorm, int count, double took) {
        tokens += count;
        seconds += took;
        ProgressBar b = bar;
        if (b != null) {
            b.stepTo(step);
            b.setExtraMessage(String.format(Locale.ROOT, "loss %.4f  %,.0f tok/s", loss, tokens / seconds));
        }
    }

    @Override
    public void onEnd(TrainingResult result) {
        close();
        Evaluation base = result.base();
        Evaluation tuned = result.tuned();
        if (base != null && tuned != null) {
            out.printf(Locale.ROOT, "%nheld-out records (%,d scored)      base     tuned%n", tuned.count());
            out.printf(Locale.ROOT, "  loss                         %9.4f %9.4f%n", base.loss(), tuned.loss());
            out.printf("  %-28s %9s %9s%n", tuned.measureName(), base.measuredText(), tuned.measuredText());
            if (result.isWorse()) {
                out.println("WARNING: the tuned model is worse than the base model on these records.");
            }
            if (result.stoppedEarly()) {
                out.printf(
                        "stopped after %d steps: the held-out loss no longer fell; the best parameters were kept%n",
                        result.steps());
            }
        }
        out.printf(Locale.ROOT, "%,d tokens in %.1f s%n", result.tokens(), result.seconds());
        out.flush();
    }

    @Override
    public void close() {
        ProgressBar b = bar;
        if (b != null) {
            b.close();
            bar = null;
        }
    }
}
