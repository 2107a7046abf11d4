package dev.peft4j.core.autograd;

import dev.peft4j.core.error.NonFiniteException;
import org.jspecify.annotations.Nullable;

/** Is told what layers and blocks compute in a pass; see {@link Pass#tapped}. */
@FunctionalInterface
public interface Tap {
    /** Looks for the first value that is not finite. */
    Tap FINITE = (name, input, output) -> {
        if (!output.value().isFinite()) {
            throw new NonFiniteException(name);
        }
    };

    /**
     * A layer has computed its output, with what adapters add to it. Both values may change right behind: who keeps them copies them.
     *
     * @param name of the module
     * @param input that it read; null of a table
     * @param output that it made
     */
    void layer(String name, @Nullable Node input, Node output);
}
