package dev.peft4j.models.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What values have: {@code a.name} looks for a method first, {@code a[key]} for an item. What is not there is {@link Undefined}. */
final class Attributes {
    private static final Set<String> CHANGES = Set.of(
            "append",
            "extend",
            "insert",
            "pop",
            "remove",
            "sort",
            "reverse",
            "clear",
            "update",
            "setdefault",
            "popitem");

    private Attributes() {}

    static Object attribute(Run run, Object from, String name) {
        requireDefined(run, from);
        Object method = method(from, name);
        if (method != null) {
            return method;
        }
        Object item = from instanceof Map<?, ?> map ? map.get(name) : null;
        return item != null ? item : missing(from, name);
    }

    static Object item(Run run, Object from, Object key) {
        requireDefined(run, from);
        Object item = null;
        if (from instanceof Map<?, ?> map) {
            item = key instanceof List<?> || key instanceof Tuple || key instanceof Undefined
                    ? null
                    : map.get(Values.key(run, key));
        } else if (Values.isWhole(key)) {
            item = at(run, from, Values.whole(key));
        }
        if (item == null && key instanceof String name) {
            item = method(from, name);
        }
        return item != null ? item : missing(from, Printed.of(run, key));
    }

    private static void requireDefined(Run run, Object from) {
        if (from instanceof Undefined undefined) {
            throw run.bad(undefined.why());
        }
    }

    private static Undefined missing(Object from, String name) {
        String shown = name.length() <= 60 ? name : name.substring(0, 60) + "...";
        return new Undefined("'" + Values.typeName(from) + "' has no '" + shown + "'");
    }

    private static @Nullable Object at(Run run, Object from, long index) {
        if (from instanceof String text) {
            run.spendText(text.length());
            int place = Slices.place(index, Values.length(text));
            return place < 0 ? null : Character.toString(text.codePointAt(text.offsetByCodePoints(0, place)));
        }
        List<Object> items = from instanceof List<?> list
                ? Values.objects(list)
                : from instanceof Tuple tuple ? tuple.items() : List.of();
        int place = Slices.place(index, items.size());
        return place < 0 ? null : items.get(place);
    }

    private static @Nullable Object method(Object of, String name) {
        if (of instanceof String text) {
            return TextMethods.isKnown(name)
                    ? (Callable) (run, given) -> TextMethods.call(run, text, name, given)
                    : null;
        }
        if (of instanceof Namespace namespace) {
            return namespace.get(name);
        }
        if (of instanceof Loop loop) {
            return loop.get(name);
        }
        if (of instanceof Macro macro) {
            return name.equals("name") ? macro.signature().name() : null;
        }
        if (of instanceof Functions.Fields fields) {
            return fields.field(name);
        }
        if ((of instanceof List<?> || of instanceof Map<?, ?>) && CHANGES.contains(name)) {
            return new Undefined("'" + name + "' changes a " + Values.typeName(of) + ", which templates may not do");
        }
        if (of instanceof Map<?, ?> map) {
            return ofMap(Values.objects(map), name);
        }
        if (of instanceof List<?> || of instanceof Tuple) {
            return ofItems(of, name);
        }
        return null;
    }

    private static @Nullable Callable ofMap(Map<Object, Object> map, String name) {
        return switch (name) {
            case "items" -> (run, given) -> entries(run, map);
            case "keys" -> (run, given) -> Values.items(run, map);
            case "values" ->
                (run, given) -> {
                    run.spend(map.size());
                    return new ArrayList<>(map.values());
                };
            case "get" ->
                (run, given) -> {
                    Arguments.Bound bound = given.bind("key", "default");
                    Object value = map.get(Values.key(run, bound.value("key")));
                    return value != null ? value : bound.value("default", None.NONE);
                };
            case "copy" -> (run, given) -> map;
            default -> null;
        };
    }

    /** Keys and values of a map. */
    static List<Object> entries(Run run, Map<Object, Object> map) {
        run.spend(2L * map.size());
        List<Object> entries = new ArrayList<>();
        map.forEach((key, value) -> entries.add(Tuple.of(key, value)));
        return entries;
    }

    private static @Nullable Callable ofItems(Object of, String name) {
        return switch (name) {
            case "count" ->
                (run, given) -> {
                    Object wanted = given.bind("value").value("value");
                    return Values.items(run, of).stream()
                            .filter(item -> Operators.equal(run, item, wanted))
                            .count();
                };
            case "index" ->
                (run, given) -> {
                    Object wanted = given.bind("value").value("value");
                    List<Object> items = Values.items(run, of);
                    for (int i = 0; i < items.size(); i++) {
                        if (Operators.equal(run, items.get(i), wanted)) {
                            return (long) i;
                        }
                    }
                    throw run.bad("the place of an item was asked for that is not in the list");
                };
            case "copy" -> (run, given) -> of;
            default -> null;
        };
    }
}
