package dev.peft4j.core.train;

import org.jspecify.annotations.Nullable;

/**
 * What a training run came to.
 *
 * @param base the held-out records by the base model, or null if there are none
 * @param tuned the same records by the trained model, or null if there are none or the run was stopped before they were evaluated
 * @param steps that were made
 * @param stoppedEarly whether the loss on the held-out records stopped falling
 * @param interrupted whether it was stopped from outside, by {@link Trainer#stop} or an interrupt, before its end
 * @param tokens that were trained on, or images
 * @param unit which of both it is: {@code tokens} or {@code images}
 * @param seconds that the steps took
 */
public record TrainingResult(
        @Nullable Evaluation base,
        @Nullable Evaluation tuned,
        int steps,
        boolean stoppedEarly,
        boolean interrupted,
        long tokens,
        String unit,
        double seconds) {

    /** Whether the trained model does worse than the base on the held-out records. */
    public boolean isWorse() {
        return base != null && tuned != null && tuned.loss() > base.loss();
    }
}
