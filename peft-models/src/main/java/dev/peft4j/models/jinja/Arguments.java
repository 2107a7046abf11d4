package dev.peft4j.models.jinja;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Arguments of a call.
 *
 * @param run for errors
 * @param called for messages
 * @param positional in their order
 * @param named behind them
 */
record Arguments(Run run, String called, List<Object> positional, Map<String, Object> named) {
    private static final int SHOWN = 60;

    /** The same arguments by the names of parameters; what was not given is missing. */
    Bound bind(String... parameters) {
        if (positional.size() > parameters.length) {
            throw run.bad(called + " takes at most " + parameters.length + " arguments, and " + positional.size()
                    + " were given");
        }
        Map<String, Object> values = new LinkedHashMap<>();
        for (int i = 0; i < positional.size(); i++) {
            values.put(parameters[i], positional.get(i));
        }
        named.forEach((name, value) -> {
            if (!List.of(parameters).contains(name)) {
                throw run.bad(called + " has no argument '" + name + "', only " + List.of(parameters));
            }
            if (values.put(name, value) != null) {
                throw run.bad(called + " was given '" + name + "' twice");
            }
        });
        return new Bound(this, values);
    }

    /** Without the first ones. */
    Arguments from(String what, int first) {
        int behind = Math.min(first, positional.size());
        return new Arguments(run, what, positional.subList(behind, positional.size()), named);
    }

    /** With one more. */
    Arguments with(String name, Object value) {
        Map<String, Object> all = new LinkedHashMap<>(named);
        all.put(name, value);
        return new Arguments(run, called, positional, all);
    }

    /** Arguments by name. */
    record Bound(Arguments of, Map<String, Object> values) {
        boolean has(String name) {
            return values.containsKey(name);
        }

        Object value(String name) {
            Object value = values.get(name);
            if (value == null) {
                throw of.run.bad(of.called + " needs the argument '" + name + "'");
            }
            return value;
        }

        Object value(String name, Object otherwise) {
            return values.getOrDefault(name, otherwise);
        }

        String text(String name) {
            return requireText(name, value(name));
        }

        String text(String name, String otherwise) {
            return requireText(name, value(name, otherwise));
        }

        /** A text, or null where it is missing or {@code none}. */
        @Nullable
        String textOrNone(String name) {
            Object value = value(name, None.NONE);
            return value == None.NONE ? null : requireText(name, value);
        }

        private String requireText(String name, Object value) {
            if (value instanceof String text) {
                return text;
            }
            throw of.run.bad("'" + name + "' of " + of.called + " is to be a text, found " + shown(value));
        }

        boolean flag(String name, boolean otherwise) {
            return Values.isTrue(value(name, otherwise));
        }

        /** A whole number. */
        int whole(String name, int otherwise) {
            Object value = value(name, (long) otherwise);
            long number = Values.isWhole(value) ? Values.whole(value) : Long.MIN_VALUE;
            if (number < -Integer.MAX_VALUE || number > Integer.MAX_VALUE) {
                throw of.run.bad("'" + name + "' of " + of.called + " is to be a whole number, found " + shown(value));
            }
            return (int) number;
        }

        private String shown(Object value) {
            String text = Values.typeName(value) + (value instanceof String s ? " '" + s + "'" : "");
            return text.length() <= SHOWN ? text : text.substring(0, SHOWN) + "...";
        }
    }
}
