package dev.peft4j;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.site.FamilyTraits;
import dev.peft4j.core.site.TaskType;
import java.util.List;
import java.util.function.Function;

/**
 * Adapters that a call has taken, with their base, which is kept until this is closed.
 *
 * @param owner of the base
 * @param names of the adapters
 * @param calls of each pass
 * @param rowsInFront places of the context that the adapters take
 */
record Chosen(OpenModel owner, Base base, List<String> names, Function<Pass, Call> calls, int rowsInFront)
        implements AutoCloseable {
    /** Takes the adapters that have these names now. */
    Chosen(OpenModel owner, Base base, List<String> names) {
        this(
                owner,
                base,
                names,
                base.calls(names),
                names.stream()
                        .mapToInt(n -> base.adapters().adapter(n).rowsInFront())
                        .sum());
    }

    /**
     * The same, whose head of a task was trained; else it is closed.
     *
     * @throws BadInputException if the head is new, and no adapter brings it
     */
    Chosen withHeadOf(TaskType task) {
        FamilyTraits.Head head = base.model().traits().head(task);
        List<String> made = head == null
                ? List.of()
                : base.model().newModules().stream()
                        .filter(m -> (m + ".").startsWith(head.module() + "."))
                        .toList();
        if (head == null || made.isEmpty()) {
            return this;
        }
        String weight = made.get(made.size() - 1) + ".weight";
        if (names.stream().allMatch(n -> base.adapters().adapter(n).replacement(weight) == null)) {
            close();
            throw new BadInputException("a model for " + task + " was to be used, and neither the checkpoint nor "
                    + (names.isEmpty() ? "an adapter" : names) + " has a trained head (" + head.module()
                    + "). Give an adapter that was trained for " + task + ", or train one.");
        }
        return this;
    }

    @Override
    public void close() {
        owner.release(base);
    }
}
