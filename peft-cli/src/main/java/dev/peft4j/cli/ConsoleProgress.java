package dev.peft4j.cli;

import dev.peft4j.Report;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.core.train.Evaluation;
import dev.peft4j.core.train.TrainingListener;
import dev.peft4j.core.train.TrainingResult;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;

/**
 * Shows a run on the console: what is trained, how far it has come, evaluations, and at the end base against tuned on the same records. A terminal gets a
 * progress bar, a file or pipe a line now and then.
 */
final class ConsoleProgress implements TrainingListener, AutoCloseable {
    private static final int BAR_INTERVAL = 200; // milliseconds
    private static final long LINE_INTERVAL = 5_000_000_000L; // nanoseconds
    private static final int USUAL_WIDTH = 80;
    private static final int ROOM_FOR_SPEED = 90;

    private final PrintWriter out;
    private final String unit;
    private final boolean terminal = Boolean.getBoolean("peft4j.terminal");
    private final int width = Integer.getInteger("peft4j.columns", USUAL_WIDTH);
    private long start = System.nanoTime();
    private @Nullable ProgressBar bar;
    private int steps;
    private long tokens;
    private double seconds;
    private long lastLine = System.nanoTime();
    private List<String> newModules = List.of();

    ConsoleProgress(PrintWriter out, TaskType task) {
        this.out = out;
        this.unit = task == TaskType.IMAGE_CLS ? "images/s" : "tok/s";
    }

    @Override
    public void onNewModules(List<String> modules) {
        newModules = modules;
        out.printf("the checkpoint has no %s, which begins with random values%n", String.join(", ", modules));
    }

    @Override
    public void onStart(int all, long trainable, long elements) {
        steps = all;
        start = System.nanoTime();
        out.println(Report.trainableLine(trainable, elements));
        out.flush();
    }

    @Override
    public void onResume(int step) {
        out.printf("goes on from step %d of %d%n", step, steps);
        out.flush();
    }

    @Override
    public void onStage(int number, int count, String text, long trained, long all) {
        line(String.format(
                Locale.ROOT,
                "stage %d of %d: %s, %,d of %,d parameters (%.1f %%)",
                number,
                count,
                text,
                trained,
                all,
                100.0 * trained / all));
    }

    @Override
    public void onStep(int step, double loss, double learningRate, double gradientNorm, int count, double took) {
        tokens += count;
        seconds += took;
        String state = String.format(Locale.ROOT, "loss %.4f", loss);
        String speed = String.format(Locale.ROOT, "  %,.0f %s", tokens / seconds, unit);
        if (terminal) {
            ProgressBar b = bar(step);
            b.stepTo(step);
            b.setExtraMessage(width < ROOM_FOR_SPEED ? state : state + speed);
        } else if (System.nanoTime() - lastLine >= LINE_INTERVAL || step == steps) {
            line(String.format(Locale.ROOT, "step %d/%d  %s", step, steps, state + speed));
        }
    }

    private ProgressBar bar(int step) {
        ProgressBar b = bar;
        if (b == null) {
            b = new ProgressBarBuilder()
                    .setTaskName("training")
                    .setInitialMax(steps)
                    .startsFrom(step, Duration.ofNanos(System.nanoTime() - start))
                    .setStyle(ProgressBarStyle.ASCII)
                    .setUpdateIntervalMillis(BAR_INTERVAL)
                    .setMaxRenderedLength(width - 1)
                    .build();
            bar = b;
        }
        return b;
    }

    private void line(String text) {
        close(); // the bar begins again below
        out.println(text);
        out.flush();
        lastLine = System.nanoTime();
    }

    @Override
    public void onEvaluation(int step, Evaluation e) {
        String of = newModules.isEmpty() ? "base" : "untrained";
        line(String.format(
                Locale.ROOT,
                "%s: held-out loss %.4f, %s %s",
                step == 0 ? of : "step " + step,
                e.loss(),
                e.measureName(),
                e.measuredText()));
    }

    @Override
    public void onEnd(TrainingResult result) {
        close();
        String table = Report.table(result, newModules.isEmpty());
        if (!table.isEmpty()) {
            out.println();
            out.print(table);
        }
        if (result.stoppedEarly()) {
            out.printf(
                    "stopped after %d steps: the held-out loss no longer fell; the best parameters were kept%n",
                    result.steps());
        }
        if (result.interrupted()) {
            out.printf("stopped from outside after step %d of %d%n", result.steps(), steps);
        }
        out.printf(Locale.ROOT, "%,d %s in %.1f s%n", result.tokens(), result.unit(), result.seconds());
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
