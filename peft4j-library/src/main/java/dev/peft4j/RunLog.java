package dev.peft4j;

import dev.peft4j.core.train.Evaluation;
import dev.peft4j.core.train.TrainingListener;
import dev.peft4j.core.train.TrainingResult;
import dev.peft4j.run.TaskScores;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Says in the log what happens in a run, and remembers what its report needs. */
final class RunLog implements TrainingListener {
    private static final Logger LOG = LoggerFactory.getLogger(FineTuned.class);
    private static final long INTERVAL = 10_000_000_000L; // nanoseconds

    private List<String> newModules = List.of();
    private long trainable;
    private long all;
    private int steps;
    private long last = System.nanoTime();

    @Override
    public void onNewModules(List<String> modules) {
        newModules = modules;
        LOG.info("the checkpoint has no {}, which begins with random values", String.join(", ", modules));
    }

    @Override
    public void onStart(int count, long trainableCount, long allCount) {
        steps = count;
        trainable = trainableCount;
        all = allCount;
        LOG.info("{}", Report.trainableLine(trainable, all));
    }

    @Override
    public void onResume(int step) {
        LOG.info("goes on from step {} of {}", step, steps);
    }

    @Override
    public void onStage(int number, int count, String text, long trained, long ofAll) {
        LOG.info("stage {} of {}: {}, {} parameters", number, count, text, trained);
    }

    @Override
    public void onStep(int step, double loss, double learningRate, double gradientNorm, int tokens, double seconds) {
        if (System.nanoTime() - last >= INTERVAL) {
            last = System.nanoTime();
            LOG.info("step {} of {}, loss {}", step, steps, format(loss));
        }
    }

    @Override
    public void onEvaluation(int step, Evaluation e) {
        String which = step > 0 ? "step " + step : newModules.isEmpty() ? "base" : "untrained";
        LOG.info("{}: held-out loss {}, {} {}", which, format(e.loss()), e.measureName(), e.measuredText());
    }

    @Override
    public void onEnd(TrainingResult result) {
        if (result.isWorse()) {
            LOG.warn("the tuned model is worse than the one before training on the held-out records");
        }
        LOG.info(
                "{} after {} of {} steps, {} {} in {} s",
                result.interrupted() ? "stopped from outside" : result.stoppedEarly() ? "stopped early" : "trained",
                result.steps(),
                steps,
                result.tokens(),
                result.unit(),
                format(result.seconds()));
    }

    private static String format(double x) {
        return String.format(Locale.ROOT, "%.4f", x);
    }

    /**
     * The report of the run.
     *
     * @param cut and what follows: see {@link Report}
     */
    Report report(TrainingResult result, int records, int heldOut, int cut, int leftOut, @Nullable TaskScores scores) {
        if (scores != null) {
            LOG.info("tuned: {}", scores.line());
        }
        return new Report(result, newModules, trainable, all, records, heldOut, cut, leftOut, scores);
    }
}
