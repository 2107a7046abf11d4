package dev.peft4j.core.train;

import java.io.IOException;
import java.io.UncheckedIOException;
import org.jspecify.annotations.Nullable;

/** Saves the state of a run when it is due, if it is kept at all. */
final class Checkpointer {
    private final @Nullable Checkpoints when;
    private final @Nullable TrainerState state;
    private int step = -1; // of the last one
    private long at;
    private long took;

    Checkpointer(@Nullable Checkpoints when, @Nullable TrainerState state) {
        this.when = when;
        this.state = state;
    }

    void load() {
        if (state != null) {
            unchecked(state::load);
        }
    }

    void saveIfDue(int now) {
        if (when != null && when.isDue(now - step, System.nanoTime() - at, took)) {
            save(now);
        }
    }

    /** Saves the state after a step. */
    void save(int now) {
        if (state == null) {
            return;
        }
        long start = System.nanoTime();
        unchecked(state::save);
        step = now;
        at = System.nanoTime();
        took = at - start;
    }

    private static void unchecked(Action action) {
        try {
            action.run();
        } catch (IOException e) {
            throw new UncheckedIOException(e.getMessage(), e);
        }
    }

    @FunctionalInterface
    private interface Action {
        void run() throws IOException;
    }
}
