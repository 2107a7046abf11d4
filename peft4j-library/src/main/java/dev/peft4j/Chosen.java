package dev.peft4j;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Pass;
import java.util.List;
import java.util.function.Function;

/**
 * Adapters that a call has taken, with their base, which is kept until this is closed.
 *
 * @param owner of the base
 * @param calls of each pass
 * @param rowsInFront places of the context that the adapters take
 */
record Chosen(TextModel owner, Base base, Function<Pass, Call> calls, int rowsInFront) implements AutoCloseable {
    /** Takes the adapters that have these names now. */
    Chosen(TextModel owner, Base base, List<String> names) {
        this(
                owner,
                base,
                base.calls(names),
                names.stream()
                        .mapToInt(n -> base.adapters().adapter(n).rowsInFront())
                        .sum());
    }

    @Override
    public void close() {
        owner.release(base);
    }
}
