package dev.peft4j.models.jinja;

import dev.peft4j.core.error.BadInputException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Values of Python: what they are, and how they come from values of Java. */
final class Values {
    private static final int MAX_DEPTH = 64;

    private Values() {}

    /**
     * A copy of what an application gives: texts, numbers, truth values, and lists and maps of these.
     *
     * @throws BadInputException if there is anything else in it
     */
    static Object of(@Nullable Object given) {
        return of(given, 0);
    }

    private static Object of(@Nullable Object given, int depth) {
        if (depth > MAX_DEPTH) {
            throw new BadInputException("a variable of a chat template has lists or maps within each other more than "
                    + MAX_DEPTH + " times. Give a flatter one.");
        }
        if (given == null) {
            return None.NONE;
        }
        if (given instanceof String || given instanceof Boolean || given instanceof Long || given instanceof Double) {
            return given;
        }
        if (given instanceof Integer || given instanceof Short || given instanceof Byte) {
            return ((Number) given).longValue();
        }
        if (given instanceof Float || given instanceof BigDecimal) {
            return ((Number) given).doubleValue();
        }
        if (given instanceof BigInteger big && big.bitLength() < Long.SIZE) {
            return big.longValue();
        }
        if (given instanceof List<?> list) {
            List<Object> copy = new ArrayList<>(list.size());
            list.forEach(item -> copy.add(of(item, depth + 1)));
            return copy;
        }
        if (given instanceof Map<?, ?> map) {
            Map<Object, Object> copy = new LinkedHashMap<>();
            map.forEach((key, value) -> copy.put(String.valueOf(key), of(value, depth + 1)));
            return copy;
        }
        throw new BadInputException("a chat template was given a variable of the class "
                + given.getClass().getName() + ". Give texts, numbers, truth values, and lists and maps of these.");
    }

    /** Characters and items of a value that {@link #of(Object)} has made, all together. */
    static long size(Object value) {
        if (value instanceof String text) {
            return text.length();
        }
        if (value instanceof List<?> list) {
            return list.stream().mapToLong(Values::size).sum() + list.size();
        }
        if (value instanceof Map<?, ?> map) {
            return map.entrySet().stream()
                    .mapToLong(e -> size(e.getKey()) + size(e.getValue()) + 1)
                    .sum();
        }
        return 1;
    }

    /** What {@code if} asks. */
    static boolean isTrue(Object value) {
        if (value instanceof Boolean flag) {
            return flag;
        }
        if (value instanceof String text) {
            return !text.isEmpty();
        }
        if (value instanceof Long number) {
            return number != 0;
        }
        if (value instanceof Double number) {
            return number != 0;
        }
        if (value instanceof List<?> list) {
            return !list.isEmpty();
        }
        if (value instanceof Map<?, ?> map) {
            return !map.isEmpty();
        }
        if (value instanceof Tuple tuple) {
            return !tuple.items().isEmpty();
        }
        return value != None.NONE && !(value instanceof Undefined);
    }

    /** The name of its type in Python. */
    static String typeName(Object value) {
        if (value instanceof String) {
            return "str";
        }
        if (value instanceof Boolean) {
            return "bool";
        }
        if (value instanceof Long) {
            return "int";
        }
        if (value instanceof Double) {
            return "float";
        }
        if (value instanceof List<?>) {
            return "list";
        }
        if (value instanceof Map<?, ?>) {
            return "dict";
        }
        if (value instanceof Tuple) {
            return "tuple";
        }
        if (value instanceof Undefined) {
            return "undefined";
        }
        if (value instanceof Namespace) {
            return "namespace";
        }
        return value == None.NONE ? "none" : value instanceof Lazy ? "generator" : "function";
    }

    /** Whether it is an integer, which truth values are, too. */
    static boolean isWhole(Object value) {
        return value instanceof Long || value instanceof Boolean;
    }

    static boolean isNumber(Object value) {
        return isWhole(value) || value instanceof Double;
    }

    static long whole(Object value) {
        return value instanceof Boolean flag ? (flag ? 1 : 0) : (Long) value;
    }

    static double fraction(Object value) {
        return value instanceof Double number ? number : whole(value);
    }

    /**
     * What a loop goes over: the items of a list, the keys of a map, the characters of a text.
     *
     * @throws BadInputException if it is nothing of the kind
     */
    static List<Object> items(Run run, Object value) {
        if (value instanceof List<?> list) {
            return objects(list);
        }
        if (value instanceof Tuple tuple) {
            return tuple.items();
        }
        if (value instanceof Map<?, ?> map) {
            run.spend(map.size());
            return new ArrayList<>(map.keySet());
        }
        if (value instanceof String text) {
            run.spend(2L * text.length());
            List<Object> characters = new ArrayList<>();
            text.codePoints().forEach(c -> characters.add(Character.toString(c)));
            return characters;
        }
        if (value instanceof Lazy lazy) {
            return lazy.rest();
        }
        if (value instanceof Undefined) {
            return List.of();
        }
        throw run.bad("'" + typeName(value) + "' is nothing that can be gone over");
    }

    /** Lists of this package hold objects. */
    @SuppressWarnings("unchecked")
    static List<Object> objects(List<?> list) {
        return (List<Object>) list;
    }

    /** Maps of this package hold objects. */
    @SuppressWarnings("unchecked")
    static Map<Object, Object> objects(Map<?, ?> map) {
        return (Map<Object, Object>) map;
    }

    /** Whether it has a length. */
    static boolean hasLength(Object value) {
        return value instanceof String || length(value) >= 0;
    }

    /** {@code len()}; -1 for what has none. It goes over all of a text. */
    static long length(Object value) {
        if (value instanceof String text) {
            return text.codePointCount(0, text.length());
        }
        return value instanceof List<?> list
                ? list.size()
                : value instanceof Map<?, ?> map
                        ? map.size()
                        : value instanceof Tuple tuple ? tuple.items().size() : value instanceof Undefined ? 0 : -1;
    }

    /** A key of a map: a text, a number, a truth value or none. A whole number is one key, however it is written. */
    static Object key(Run run, Object value) {
        run.spendText(value instanceof String text ? text.length() : 0);
        if (value instanceof Double number && number == Math.rint(number) && Math.abs(number) < 1L << 53) {
            return (long) (double) number;
        }
        if (value instanceof String || isNumber(value) || value == None.NONE) {
            return value;
        }
        throw run.bad("'" + typeName(value) + "' was to be a key of a map; keys are texts and numbers");
    }
}
