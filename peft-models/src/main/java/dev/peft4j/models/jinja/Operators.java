package dev.peft4j.models.jinja;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** Arithmetic and comparisons of Python. Whole numbers have 64 bits; more are an error. */
final class Operators {
    private static final int NEEDLE = 64; // characters that are looked for at the price of one

    private Operators() {}

    static Object signed(Run run, boolean isMinus, Object value) {
        if (Values.isWhole(value)) {
            return isMinus ? exact(run, BigInteger.valueOf(Values.whole(value)).negate()) : Values.whole(value);
        }
        if (value instanceof Double number) {
            return isMinus ? -number : number;
        }
        throw run.bad("a sign stands in front of '" + Values.typeName(value) + "', which is no number");
    }

    private static long exact(Run run, BigInteger number) {
        if (number.bitLength() >= Long.SIZE) {
            throw run.bad("a whole number has more than 64 bits");
        }
        return number.longValue();
    }

    static Object binary(Run run, String operator, Object left, Object right) {
        requireDefined(run, left);
        if (operator.equals("%") && left instanceof String format) {
            return Formats.percent(run, format, right);
        }
        requireDefined(run, right);
        if (Values.isNumber(left) && Values.isNumber(right)) {
            return arithmetic(run, operator, left, right);
        }
        if (operator.equals("+")) {
            if (left instanceof String a && right instanceof String b) {
                run.requireLength((long) a.length() + b.length());
                return run.made(a + b);
            }
            if (left instanceof List<?> a && right instanceof List<?> b) {
                return joined(run, Values.objects(a), Values.objects(b));
            }
            if (left instanceof Tuple a && right instanceof Tuple b) {
                return new Tuple(joined(run, a.items(), b.items()));
            }
        }
        if (operator.equals("*") && Values.isWhole(right)) {
            return repeated(run, left, Values.whole(right));
        }
        if (operator.equals("*") && Values.isWhole(left)) {
            return repeated(run, right, Values.whole(left));
        }
        throw run.bad("'" + operator + "' stands between '" + Values.typeName(left) + "' and '" + Values.typeName(right)
                + "', for which it means nothing");
    }

    private static boolean areWhole(Object left, Object right) {
        return Values.isWhole(left) && Values.isWhole(right);
    }

    private static void requireDefined(Run run, Object value) {
        if (value instanceof Undefined undefined) {
            throw run.bad(undefined.why());
        }
    }

    private static List<Object> joined(Run run, List<Object> a, List<Object> b) {
        run.spend((long) a.size() + b.size());
        List<Object> all = new ArrayList<>(a.size() + b.size());
        all.addAll(a);
        all.addAll(b);
        return all;
    }

    private static Object repeated(Run run, Object value, long times) {
        long count = Math.max(0, Math.min(times, Integer.MAX_VALUE));
        if (value instanceof String text) {
            run.requireLength(text.length() * count);
            return run.made(text.isEmpty() ? "" : text.repeat((int) count));
        }
        if (value instanceof List<?> || value instanceof Tuple) {
            List<Object> items = Values.items(run, value);
            run.spend(items.size() * count);
            List<Object> all = new ArrayList<>();
            for (int i = 0; i < count && !items.isEmpty(); i++) {
                all.addAll(items);
            }
            return value instanceof Tuple ? new Tuple(all) : all;
        }
        throw run.bad("'" + Values.typeName(value) + "' was to be repeated; texts and lists can be");
    }

    private static Object arithmetic(Run run, String operator, Object left, Object right) {
        boolean whole = areWhole(left, right);
        double a = Values.fraction(left);
        double b = Values.fraction(right);
        if (b == 0 && (operator.startsWith("/") || operator.equals("%"))) {
            throw run.bad("a number was divided by zero");
        }
        if (whole && !operator.equals("/") && !(operator.equals("**") && b < 0)) {
            return whole(run, operator, Values.whole(left), Values.whole(right));
        }
        return switch (operator) {
            case "+" -> a + b;
            case "-" -> a - b;
            case "*" -> a * b;
            case "/" -> a / b;
            case "//" -> Math.floor(a / b);
            case "%" -> a - b * Math.floor(a / b);
            default -> Math.pow(a, b);
        };
    }

    private static Object whole(Run run, String operator, long a, long b) {
        BigInteger x = BigInteger.valueOf(a);
        BigInteger y = BigInteger.valueOf(b);
        return switch (operator) {
            case "+" -> exact(run, x.add(y));
            case "-" -> exact(run, x.subtract(y));
            case "*" -> exact(run, x.multiply(y));
            case "//" -> Math.floorDiv(a, b);
            case "%" -> Math.floorMod(a, b);
            default -> power(run, x, b);
        };
    }

    private static Object power(Run run, BigInteger x, long power) {
        boolean grows = x.abs().compareTo(BigInteger.ONE) > 0;
        if (grows && power >= Long.SIZE) {
            throw run.bad("a whole number has more than 64 bits");
        }
        return exact(run, x.pow((int) (grows ? power : power > 0 ? 2 - power % 2 : 0)));
    }

    /** {@code left operator right} of a comparison. */
    static boolean holds(Run run, String operator, Object left, Object right) {
        return switch (operator) {
            case "==" -> equal(run, left, right);
            case "!=" -> !equal(run, left, right);
            case "in" -> contains(run, right, left);
            case "not in" -> !contains(run, right, left);
            case "<" -> compare(run, left, right) < 0;
            case "<=" -> compare(run, left, right) <= 0;
            case ">" -> compare(run, left, right) > 0;
            default -> compare(run, left, right) >= 0;
        };
    }

    static boolean equal(Run run, Object left, Object right) {
        run.enter();
        boolean equal = isEqual(run, left, right);
        run.leave();
        return equal;
    }

    private static boolean isEqual(Run run, Object left, Object right) {
        if (left instanceof String a && right instanceof String b) {
            run.spendText(Math.min(a.length(), b.length()));
            return a.equals(b);
        }
        if (Values.isNumber(left) && Values.isNumber(right)) {
            return areWhole(left, right)
                    ? Values.whole(left) == Values.whole(right)
                    : Values.fraction(left) == Values.fraction(right);
        }
        if (left instanceof List<?> a
                && right instanceof List<?> b
                && left instanceof Range == right instanceof Range) {
            return areEqual(run, Values.objects(a), Values.objects(b));
        }
        if (left instanceof Tuple a && right instanceof Tuple b) {
            return areEqual(run, a.items(), b.items());
        }
        if (left instanceof Map<?, ?> a && right instanceof Map<?, ?> b) {
            return a.size() == b.size()
                    && a.entrySet().stream()
                            .allMatch(e -> b.containsKey(e.getKey())
                                    && equal(run, e.getValue(), Objects.requireNonNull(b.get(e.getKey()))));
        }
        return left == right || (left instanceof Undefined && right instanceof Undefined);
    }

    private static boolean areEqual(Run run, List<Object> a, List<Object> b) {
        boolean equal = a.size() == b.size();
        for (int i = 0; i < a.size() && equal; i++) {
            equal = equal(run, a.get(i), b.get(i));
        }
        return equal;
    }

    /** {@code wanted in container}. */
    static boolean contains(Run run, Object container, Object wanted) {
        if (container instanceof String text) {
            if (!(wanted instanceof String part)) {
                throw run.bad("'" + Values.typeName(wanted) + "' was looked for in a text, which texts are");
            }
            spendSearch(run, text, part);
            return text.contains(part);
        }
        if (container instanceof Map<?, ?> map) {
            return map.containsKey(Values.key(run, wanted));
        }
        for (Object item : Values.items(run, container)) {
            if (equal(run, item, wanted)) {
                return true;
            }
        }
        return false;
    }

    /** Pays for looking for a part in a text, whose worst is their product. */
    static void spendSearch(Run run, String text, String part) {
        run.spendText((long) text.length() * (1 + Math.min(part.length(), text.length()) / NEEDLE));
    }

    /** Below 0, 0 or above 0 as the first is smaller, equal or larger. */
    static int compare(Run run, Object left, Object right) {
        run.enter();
        int order = order(run, left, right);
        run.leave();
        return order;
    }

    private static int order(Run run, Object left, Object right) {
        requireDefined(run, left);
        requireDefined(run, right);
        if (Values.isNumber(left) && Values.isNumber(right)) {
            return areWhole(left, right)
                    ? Long.compare(Values.whole(left), Values.whole(right))
                    : Double.compare(Values.fraction(left), Values.fraction(right));
        }
        if (left instanceof String a && right instanceof String b) {
            run.spendText(Math.min(a.length(), b.length()));
            return byCodePoints(a, b);
        }
        if ((left instanceof List<?> && right instanceof List<?>)
                || (left instanceof Tuple && right instanceof Tuple)) {
            List<Object> a = Values.items(run, left);
            List<Object> b = Values.items(run, right);
            for (int i = 0; i < Math.min(a.size(), b.size()); i++) {
                if (!equal(run, a.get(i), b.get(i))) {
                    return compare(run, a.get(i), b.get(i));
                }
            }
            return Integer.compare(a.size(), b.size());
        }
        throw run.bad("'" + Values.typeName(left) + "' and '" + Values.typeName(right)
                + "' were to be compared, and have no order");
    }

    /** Java compares halves of surrogate pairs, Python characters. */
    private static int byCodePoints(String a, String b) {
        int i = 0;
        while (i < a.length() && i < b.length() && a.charAt(i) == b.charAt(i)) {
            i++;
        }
        if (i == a.length() || i == b.length()) {
            return Integer.compare(a.length(), b.length());
        }
        boolean pairs = Character.isSurrogate(a.charAt(i)) && Character.isSurrogate(b.charAt(i));
        return pairs
                ? Character.compare(a.charAt(i), b.charAt(i))
                : Integer.compare(
                        Character.isSurrogate(a.charAt(i)) ? Character.MIN_SUPPLEMENTARY_CODE_POINT : a.charAt(i),
                        Character.isSurrogate(b.charAt(i)) ? Character.MIN_SUPPLEMENTARY_CODE_POINT : b.charAt(i));
    }
}
