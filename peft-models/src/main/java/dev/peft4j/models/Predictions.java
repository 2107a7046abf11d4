package dev.peft4j.models;

import dev.peft4j.core.data.Targets;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Tensor;
import java.util.Arrays;
import java.util.stream.IntStream;

/** Counts what heads predicted rightly. */
final class Predictions {
    private Predictions() {}

    /** Rows (n, outputs) whose greatest logit is that of their class. */
    static long right(Backend backend, Tensor logits, int[] classes) {
        int[] best = backend.kernels().argmax(logits);
        return IntStream.range(0, classes.length)
                .filter(r -> best[r] == classes[r])
                .count();
    }

    /** Classes that are scored. */
    static long judged(int[] classes) {
        return Arrays.stream(classes).filter(c -> c != Targets.IGNORE).count();
    }
}
