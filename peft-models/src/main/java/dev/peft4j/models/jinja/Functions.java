package dev.peft4j.models.jinja;

import dev.peft4j.core.error.BadInputException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The functions that every template sees. */
final class Functions {
    private static final int MAX_RANGE = 100_000; // of Jinja's sandbox

    private Functions() {}

    static void define(Scope scope) {
        scope.set("range", (Callable) Functions::range);
        scope.set("dict", (Callable) Functions::map);
        scope.set("namespace", (Callable) (run, given) -> {
            Namespace namespace = new Namespace();
            map(run, given).forEach((name, value) -> namespace.set(run, String.valueOf(name), value));
            return namespace;
        });
        scope.set("cycler", (Callable) (run, given) -> new Cycler(given.positional()));
        scope.set("joiner", (Callable)
                (run, given) -> new Joiner(given.bind("sep").value("sep", ", ")));
        scope.set("raise_exception", (Callable) (run, given) -> {
            throw refused(Printed.of(run, given.bind("message").value("message")));
        });
        scope.set("strftime_now", (Callable) (run, given) ->
                run.made(TimeFormat.print(run, given.bind("format").text("format"))));
    }

    private static BadInputException refused(String message) {
        return new BadInputException("a chat was to be rendered, and its template refuses it: " + message
                + (message.endsWith(".") || message.endsWith("!") ? "" : ".") + " Change the messages.");
    }

    private static Object range(Run run, Arguments given) {
        Arguments.Bound bound = given.bind("start", "stop", "step");
        boolean one = !bound.has("stop");
        long begin = one ? 0 : bound.whole("start", 0);
        long end = bound.whole(one ? "start" : "stop", 0);
        long step = bound.whole("step", 1);
        if (step == 0) {
            throw run.bad("a range in steps of 0 was asked for");
        }
        long count = step > 0 ? (end - begin + step - 1) / step : (begin - end - step - 1) / -step;
        if (count > MAX_RANGE) {
            throw run.bad("a range of " + count + " numbers was asked for, and " + MAX_RANGE + " are the most");
        }
        return new Range(begin, end, step, (int) Math.max(0, count));
    }

    private static Map<Object, Object> map(Run run, Arguments given) {
        Map<Object, Object> map = new LinkedHashMap<>();
        for (Object from : given.positional()) {
            if (from instanceof Map<?, ?> more) {
                map.putAll(more);
            } else {
                for (Object entry : Values.items(run, from)) {
                    List<Object> pair = Values.items(run, entry);
                    if (pair.size() != 2) {
                        throw run.bad("a map was to be made of values that are no pairs");
                    }
                    map.put(Values.key(run, pair.get(0)), pair.get(1));
                }
            }
        }
        map.putAll(given.named());
        run.spend(map.size());
        return map;
    }

    /** A value with fields. */
    interface Fields {
        @Nullable
        Object field(String name);
    }

    /** Gives its items one behind the other, again and again. */
    private static final class Cycler implements Fields {
        private final List<Object> items;
        private int at;

        Cycler(List<Object> items) {
            this.items = items;
        }

        @Override
        public @Nullable Object field(String name) {
            return switch (name) {
                case "current" -> items.isEmpty() ? null : items.get(at);
                case "next" ->
                    (Callable) (run, given) -> {
                        if (items.isEmpty()) {
                            throw run.bad("a cycler was made of nothing");
                        }
                        Object item = items.get(at);
                        at = (at + 1) % items.size();
                        return item;
                    };
                case "reset" ->
                    (Callable) (run, given) -> {
                        at = 0;
                        return None.NONE;
                    };
                default -> null;
            };
        }
    }

    /** Gives nothing at first, and then always what stands between. */
    private static final class Joiner implements Callable {
        private final Object between;
        private boolean used;

        Joiner(Object between) {
            this.between = between;
        }

        @Override
        public Object call(Run run, Arguments given) {
            Object now = used ? between : "";
            used = true;
            return now;
        }
    }
}
