package dev.peft4j.models.jinja;

import java.util.List;
import java.util.Map;
import java.util.Set;

/** The tests of Jinja: {@code a is name}. */
final class Tests {
    private static final Map<String, String> OPERATORS = Map.ofEntries(
            Map.entry("eq", "=="),
            Map.entry("equalto", "=="),
            Map.entry("==", "=="),
            Map.entry("ne", "!="),
            Map.entry("!=", "!="),
            Map.entry("lt", "<"),
            Map.entry("lessthan", "<"),
            Map.entry("<", "<"),
            Map.entry("le", "<="),
            Map.entry("<=", "<="),
            Map.entry("gt", ">"),
            Map.entry("greaterthan", ">"),
            Map.entry(">", ">"),
            Map.entry("ge", ">="),
            Map.entry(">=", ">="),
            Map.entry("in", "in"));
    private static final Set<String> OTHERS = Set.of(
            "defined",
            "undefined",
            "none",
            "boolean",
            "true",
            "false",
            "integer",
            "float",
            "number",
            "string",
            "mapping",
            "sequence",
            "iterable",
            "callable",
            "sameas",
            "odd",
            "even",
            "divisibleby",
            "lower",
            "upper",
            "filter",
            "test",
            "escaped");

    private Tests() {}

    static boolean isKnown(String name) {
        return OPERATORS.containsKey(name) || OTHERS.contains(name);
    }

    /** What is wrong with a test that is not known. */
    static String unknown(String name) {
        String shown = name.length() <= 60 ? name : name.substring(0, 60) + "...";
        return "the test '" + shown + "' stands behind 'is', which Jinja does not have";
    }

    static boolean holds(Run run, String name, Object value, Arguments given) {
        String operator = OPERATORS.get(name);
        if (operator != null) {
            return Operators.holds(run, operator, value, given.bind("other").value("other"));
        }
        return switch (name) {
            case "defined" -> !(value instanceof Undefined);
            case "undefined" -> value instanceof Undefined;
            case "none" -> value == None.NONE;
            case "boolean" -> value instanceof Boolean;
            case "true" -> value.equals(true);
            case "false" -> value.equals(false);
            case "integer" -> value instanceof Long;
            case "float" -> value instanceof Double;
            case "number" -> Values.isNumber(value);
            case "string" -> value instanceof String;
            case "mapping" -> value instanceof Map<?, ?>;
            case "sequence" -> Values.hasLength(value);
            case "iterable" -> Values.hasLength(value) || value instanceof Lazy;
            case "callable" -> value instanceof Callable;
            case "sameas" -> isSame(run, value, given.bind("other").value("other"));
            case "odd" -> Operators.equal(run, Operators.binary(run, "%", value, 2L), 1L);
            case "even" -> Operators.equal(run, Operators.binary(run, "%", value, 2L), 0L);
            case "divisibleby" ->
                Operators.equal(
                        run, Operators.binary(run, "%", value, given.bind("num").value("num")), 0L);
            case "lower" ->
                TextMethods.call(run, Printed.of(run, value), "islower", nothing(run))
                        .equals(true);
            case "upper" ->
                TextMethods.call(run, Printed.of(run, value), "isupper", nothing(run))
                        .equals(true);
            case "filter" -> value instanceof String text && Filters.isKnown(text);
            case "test" -> value instanceof String text && isKnown(text);
            case "escaped" -> false;
            default -> throw run.bad(unknown(name));
        };
    }

    private static Arguments nothing(Run run) {
        return new Arguments(run, "a test", List.of(), Map.of());
    }

    private static boolean isSame(Run run, Object a, Object b) {
        boolean plain = a instanceof String || a instanceof Boolean || a instanceof Long;
        return a == b || (plain && a.getClass() == b.getClass() && Operators.equal(run, a, b));
    }
}
