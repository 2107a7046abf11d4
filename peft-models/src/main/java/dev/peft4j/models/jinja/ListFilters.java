package dev.peft4j.models.jinja;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;

/** The filters of Jinja that take several values. */
final class ListFilters {
    private static final Set<String> KNOWN = Set.of(
            "batch",
            "dictsort",
            "first",
            "join",
            "last",
            "map",
            "max",
            "min",
            "reject",
            "rejectattr",
            "reverse",
            "select",
            "selectattr",
            "sort",
            "sum",
            "unique");

    private ListFilters() {}

    static boolean isKnown(String name) {
        return KNOWN.contains(name);
    }

    static Object apply(Run run, String name, Object value, Arguments given) {
        return switch (name) {
            case "batch" -> batches(run, value, given.bind("linecount", "fill_with"));
            case "dictsort" -> sortedMap(run, value, given.bind("case_sensitive", "by", "reverse"));
            case "first" -> {
                Undefined none = new Undefined("the first of nothing was asked for");
                if (value instanceof Lazy lazy) {
                    yield lazy.next(none);
                }
                List<Object> items = Values.items(run, value);
                yield items.isEmpty() ? none : items.get(0);
            }
            case "last" -> {
                if (value instanceof Lazy) {
                    throw run.bad("the last of a generator was asked for, which has none; '|list' makes a list of it");
                }
                List<Object> items = Values.items(run, value);
                yield items.isEmpty()
                        ? new Undefined("the last of nothing was asked for")
                        : items.get(items.size() - 1);
            }
            case "join" -> joined(run, value, given.bind("d", "attribute"));
            case "map" -> mapped(run, value, given);
            case "max" -> extreme(run, value, given, -1);
            case "min" -> extreme(run, value, given, 1);
            case "select" -> selected(run, value, given, item -> item, true);
            case "reject" -> selected(run, value, given, item -> item, false);
            case "selectattr" -> selected(run, value, given.from(name, 1), attribute(run, given), true);
            case "rejectattr" -> selected(run, value, given.from(name, 1), attribute(run, given), false);
            case "reverse" -> {
                if (value instanceof String text) {
                    yield run.made(new StringBuilder(text).reverse().toString());
                }
                List<Object> turned = new ArrayList<>(Values.items(run, value));
                Collections.reverse(turned);
                run.spend(turned.size());
                yield new Lazy(turned);
            }
            case "sort" -> {
                Arguments.Bound bound = given.bind("reverse", "case_sensitive", "attribute");
                List<Object> items = new ArrayList<>(Values.items(run, value));
                UnaryOperator<Object> key = key(run, bound);
                Comparator<Object> order = (a, b) -> Operators.compare(run, key.apply(a), key.apply(b));
                items.sort(bound.flag("reverse", false) ? order.reversed() : order);
                yield items;
            }
            case "sum" -> {
                Arguments.Bound bound = given.bind("attribute", "start");
                UnaryOperator<Object> of = path(run, bound.value("attribute", None.NONE), None.NONE);
                Object sum = bound.value("start", 0L);
                for (Object item : Values.items(run, value)) {
                    sum = Operators.binary(run, "+", sum, of.apply(item));
                }
                yield sum;
            }
            default -> unique(run, value, given.bind("case_sensitive", "attribute"));
        };
    }

    private static Object joined(Run run, Object value, Arguments.Bound given) {
        String between = Printed.of(run, given.value("d", ""));
        UnaryOperator<Object> of = path(run, given.value("attribute", None.NONE), None.NONE);
        Growing out = new Growing(run);
        String separator = "";
        for (Object item : Values.items(run, value)) {
            out.add(separator);
            out.add(Printed.of(run, of.apply(item)));
            separator = between;
        }
        return out.toString();
    }

    /**
     * What an attribute such as {@code "function.name"} or {@code 0} takes from an item.
     *
     * @param attribute none for the item itself
     * @param otherwise for what is missing, or none
     */
    private static UnaryOperator<Object> path(Run run, Object attribute, Object otherwise) {
        if (attribute == None.NONE) {
            return item -> item;
        }
        List<Object> parts = new ArrayList<>();
        String whole = Printed.of(run, attribute);
        run.spend(whole.length());
        for (String part : whole.split("[.]", -1)) {
            boolean isPlace =
                    !part.isEmpty() && part.length() < 10 && part.chars().allMatch(c -> c >= '0' && c <= '9');
            parts.add(isPlace ? (Object) Long.valueOf(part) : part);
        }
        return item -> {
            Object value = item;
            for (Object part : parts) {
                run.spend(1);
                value = Attributes.item(run, value, part);
                if (value instanceof Undefined && otherwise != None.NONE) {
                    value = otherwise;
                }
            }
            return value;
        };
    }

    private static UnaryOperator<Object> attribute(Run run, Arguments given) {
        if (given.positional().isEmpty()) {
            throw run.bad(given.called() + " needs the name of an attribute");
        }
        return path(run, given.positional().get(0), None.NONE);
    }

    private static Lazy selected(Run run, Object value, Arguments given, UnaryOperator<Object> of, boolean wanted) {
        List<Object> chosen = new ArrayList<>();
        Object test =
                given.positional().isEmpty() ? None.NONE : given.positional().get(0);
        if (test != None.NONE && !(test instanceof String)) {
            throw run.bad("the name of a test was expected, found '" + Values.typeName(test) + "'");
        }
        for (Object item : Values.items(run, value)) {
            run.enter();
            Object asked = of.apply(item);
            boolean holds = test instanceof String name
                    ? Tests.holds(run, name, asked, given.from("the test " + name, 1))
                    : Values.isTrue(asked);
            if (holds == wanted) {
                chosen.add(item);
            }
            run.leave();
        }
        return new Lazy(chosen);
    }

    private static Lazy mapped(Run run, Object value, Arguments given) {
        List<Object> mapped = new ArrayList<>();
        UnaryOperator<Object> by;
        if (given.positional().isEmpty()) {
            Arguments.Bound bound = given.bind("attribute", "default");
            by = path(run, bound.value("attribute"), bound.value("default", None.NONE));
        } else {
            if (!(given.positional().get(0) instanceof String name)) {
                throw run.bad("the filter map needs the name of a filter, or attribute=");
            }
            by = item -> Filters.apply(run, name, item, given.from("the filter " + name, 1));
        }
        for (Object item : Values.items(run, value)) {
            run.enter();
            mapped.add(by.apply(item));
            run.leave();
        }
        return new Lazy(mapped);
    }

    /** What items are compared by: without a difference between upper and lower case, unless that is asked for. */
    private static UnaryOperator<Object> key(Run run, Arguments.Bound given) {
        Object attribute = given.value("attribute", None.NONE);
        boolean several = attribute instanceof String names && names.indexOf(',') >= 0;
        if (several) {
            run.spend(attribute.toString().length());
            List<UnaryOperator<Object>> keys = new ArrayList<>();
            for (String name : attribute.toString().split(",", -1)) {
                keys.add(folded(run, path(run, name, None.NONE), given.flag("case_sensitive", false)));
            }
            return item -> {
                List<Object> parts = new ArrayList<>();
                keys.forEach(key -> parts.add(key.apply(item)));
                return parts;
            };
        }
        return folded(run, path(run, attribute, None.NONE), given.flag("case_sensitive", false));
    }

    private static UnaryOperator<Object> folded(Run run, UnaryOperator<Object> of, boolean caseCounts) {
        return item -> {
            Object value = of.apply(item);
            return value instanceof String text && !caseCounts ? run.made(text.toLowerCase(Locale.ROOT)) : value;
        };
    }

    private static Object extreme(Run run, Object value, Arguments given, int sign) {
        UnaryOperator<Object> key = key(run, given.bind("case_sensitive", "attribute"));
        Object best = new Undefined("the largest or smallest of nothing was asked for");
        for (Object item : Values.items(run, value)) {
            if (best instanceof Undefined || sign * Operators.compare(run, key.apply(item), key.apply(best)) < 0) {
                best = item;
            }
        }
        return best;
    }

    private static Lazy unique(Run run, Object value, Arguments.Bound given) {
        UnaryOperator<Object> key = key(run, given);
        List<Object> keys = new ArrayList<>();
        List<Object> unique = new ArrayList<>();
        for (Object item : Values.items(run, value)) {
            Object own = key.apply(item);
            if (!Operators.contains(run, keys, own)) {
                keys.add(own);
                unique.add(item);
            }
        }
        return new Lazy(unique);
    }

    private static Lazy batches(Run run, Object value, Arguments.Bound given) {
        int size = Math.max(1, given.whole("linecount", 1));
        List<Object> batches = new ArrayList<>();
        List<Object> items = Values.items(run, value);
        run.spend(2L * items.size());
        for (int i = 0; i < items.size(); i += Math.min(size, items.size())) {
            List<Object> batch = new ArrayList<>(items.subList(i, Math.min(items.size(), i + size)));
            Object fill = given.value("fill_with", None.NONE);
            if (fill != None.NONE && batch.size() < size) {
                run.spend(size);
                batch.addAll(Collections.nCopies(size - batch.size(), fill));
            }
            batches.add(batch);
        }
        return new Lazy(batches);
    }

    private static Object sortedMap(Run run, Object value, Arguments.Bound given) {
        if (!(value instanceof Map<?, ?> map)) {
            throw run.bad("the filter dictsort sorts maps, and was given '" + Values.typeName(value) + "'");
        }
        int place = List.of("key", "value").indexOf(given.text("by", "key"));
        if (place < 0) {
            throw run.bad("the filter dictsort sorts by key or by value");
        }
        UnaryOperator<Object> key =
                folded(run, entry -> ((Tuple) entry).items().get(place), given.flag("case_sensitive", false));
        List<Object> entries = Attributes.entries(run, Values.objects(map));
        Comparator<Object> order = (a, b) -> Operators.compare(run, key.apply(a), key.apply(b));
        entries.sort(given.flag("reverse", false) ? order.reversed() : order);
        return entries;
    }
}
