package dev.peft4j.core.train;

import dev.peft4j.core.error.BadInputException;
import java.nio.file.Path;
import java.time.Duration;

/**
 * Where and how often a run keeps what it needs to go on. Besides, it does so before the first step, after each evaluation, when it is
 * stopped, and at its end.
 *
 * @param file of the state, such as {@code trainer_state.safetensors}
 * @param everySteps so many steps; 0 for never
 * @param every so much time; 0 for never. Where saving is slow, as with all weights of a large model, less often: it takes a tenth of the time at most
 */
public record Checkpoints(Path file, int everySteps, Duration every) {
    private static final int SHARE = 10;

    /** Checks the ranges. */
    public Checkpoints {
        if (everySteps < 0 || every.isNegative()) {
            throw new BadInputException("checkpoints every " + everySteps + " steps and every " + every.toSeconds()
                    + " seconds were asked for; neither can be below 0. Give 0 for never.");
        }
    }

    /** Every half minute. */
    public static Checkpoints in(Path file) {
        return new Checkpoints(file, 0, Duration.ofSeconds(30));
    }

    /**
     * Whether it is time again.
     *
     * @param steps since the last one
     * @param nanos since the last one
     * @param took nanoseconds to write that one
     */
    boolean isDue(int steps, long nanos, long took) {
        if (steps == 0) {
            return false;
        }
        boolean time = !every.isZero() && nanos >= Math.max(every.toNanos(), SHARE * took);
        return time || (everySteps > 0 && steps >= everySteps);
    }
}
