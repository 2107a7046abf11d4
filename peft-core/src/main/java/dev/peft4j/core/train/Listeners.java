package dev.peft4j.core.train;

import dev.peft4j.core.error.StoppedException;
import java.util.List;
import java.util.function.Consumer;

/**
 * Who is told of a run.
 *
 * @param all in their order
 */
record Listeners(List<TrainingListener> all) {
    Listeners {
        all = List.copyOf(all);
    }

    /** Tells all. One that was interrupted in what it did, such as generating a text, ends the run as an interrupt does, and not with an error. */
    void tell(Consumer<TrainingListener> what) {
        for (TrainingListener listener : all) {
            try {
                what.accept(listener);
            } catch (StoppedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
