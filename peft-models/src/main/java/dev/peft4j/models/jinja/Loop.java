package dev.peft4j.models.jinja;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** The variable {@code loop} of a loop; it can be called where the loop is recursive. */
final class Loop implements Callable {
    private final Statement.For statement;
    private final Scope outer;
    private final List<Object> items;
    private final int depth;
    private int at;
    private @Nullable Object last; // that loop.changed was asked about

    Loop(Statement.For statement, Scope outer, List<Object> items, int depth) {
        this.statement = statement;
        this.outer = outer;
        this.items = items;
        this.depth = depth;
    }

    void at(int index) {
        at = index;
    }

    Object get(String name) {
        return switch (name) {
            case "index" -> at + 1L;
            case "index0" -> (long) at;
            case "revindex" -> (long) items.size() - at;
            case "revindex0" -> items.size() - at - 1L;
            case "first" -> at == 0;
            case "last" -> at == items.size() - 1;
            case "length" -> (long) items.size();
            case "depth" -> depth + 1L;
            case "depth0" -> (long) depth;
            case "previtem" -> at > 0 ? items.get(at - 1) : new Undefined("there is no previous item");
            case "nextitem" -> at + 1 < items.size() ? items.get(at + 1) : new Undefined("there is no next item");
            case "cycle" -> (Callable) this::cycle;
            case "changed" -> (Callable) this::changed;
            default -> new Undefined("'loop' has no attribute '" + name + "'");
        };
    }

    private Object cycle(Run run, Arguments arguments) {
        if (arguments.positional().isEmpty()) {
            throw run.bad("loop.cycle was called without anything to choose from");
        }
        return arguments.positional().get(at % arguments.positional().size());
    }

    private Object changed(Run run, Arguments arguments) {
        Object now = new Tuple(arguments.positional());
        boolean changed = last == null || !Operators.equal(run, last, now);
        last = now;
        return changed;
    }

    /** The body of the loop for the items of an item. */
    @Override
    public Object call(Run run, Arguments arguments) {
        if (!statement.isRecursive()) {
            throw run.bad("'loop' was called in a loop that is not recursive");
        }
        Object inner = arguments.bind("iterable").value("iterable");
        return run.written(() -> statement.turns(run, outer, inner, depth + 1));
    }
}
