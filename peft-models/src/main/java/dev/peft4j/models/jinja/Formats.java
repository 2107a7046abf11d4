package dev.peft4j.models.jinja;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Texts with places for values: {@code '%s' % a} and {@code '{}'.format(a)}, in the forms that templates use. */
final class Formats {
    private static final Pattern PLACE = Pattern.compile(
            "%(?:\\((?<name>[^)]{1,100})\\))?(?<flags>[-0]?)(?<width>[0-9]{0,3})"
                    + "(?:[.](?<digits>[0-9]{1,2}))?(?<kind>.)",
            Pattern.DOTALL);
    private static final Pattern BRACES = Pattern.compile("\\{\\{|\\}\\}|\\{(?<name>\\w{0,100})\\}|[{}]");

    private Formats() {}

    static String percent(Run run, String format, Object given) {
        run.spendText(format.length());
        List<Object> values = given instanceof Tuple tuple ? tuple.items() : List.of(given);
        int used = 0;
        Growing out = new Growing(run);
        Matcher place = PLACE.matcher(format);
        int begin = 0;
        while (place.find()) {
            out.add(format.substring(begin, place.start()));
            begin = place.end();
            if (place.group("kind").equals("%")) {
                out.add("%");
                continue;
            }
            Object value = given instanceof Map<?, ?> map && place.group("name") != null
                    ? map.get(place.group("name"))
                    : used < values.size() ? values.get(used) : null;
            used += place.group("name") == null ? 1 : 0;
            if (value == null) {
                throw run.bad("a format has the place '" + place.group() + "', for which no value was given");
            }
            out.add(filled(place, one(run, place, value)));
        }
        if (format.indexOf('%', begin) >= 0) {
            throw run.bad("a format ends in the middle of a place (%)");
        }
        if (used < values.size() && !(given instanceof Map<?, ?>)) {
            throw run.bad("a format has " + used + " places, and " + values.size() + " values were given");
        }
        out.add(format.substring(begin));
        return out.toString();
    }

    private static String one(Run run, Matcher place, Object value) {
        String digits = place.group("digits");
        return switch (place.group("kind")) {
            case "s" -> cut(Printed.of(run, value), digits);
            case "r" -> cut(Printed.quoted(run, value), digits);
            case "d", "i" -> {
                requireNumber(run, value);
                yield Long.toString(value instanceof Double d ? (long) (double) d : Values.whole(value));
            }
            case "f" -> {
                requireNumber(run, value);
                double number = Values.fraction(value);
                if (!Double.isFinite(number)) {
                    yield Printed.number(number);
                }
                yield new BigDecimal(number)
                        .setScale(digits == null ? 6 : Integer.parseInt(digits), RoundingMode.HALF_EVEN)
                        .toPlainString();
            }
            default -> throw run.bad("a format has the place '" + place.group() + "', and %s, %r, %d and %f are known");
        };
    }

    private static void requireNumber(Run run, Object value) {
        if (!Values.isNumber(value)) {
            throw run.bad("'" + Values.typeName(value) + "' was to be formatted as a number");
        }
    }

    private static String cut(String text, @Nullable String digits) {
        return digits == null || Values.length(text) <= Integer.parseInt(digits)
                ? text
                : text.substring(0, text.offsetByCodePoints(0, Integer.parseInt(digits)));
    }

    private static String filled(Matcher place, String text) {
        int width = place.group("width").isEmpty() ? 0 : Integer.parseInt(place.group("width"));
        int missing = (int) Math.max(0, width - Values.length(text));
        boolean zeros = place.group("flags").equals("0") && !place.group("kind").equals("s");
        if (place.group("flags").equals("-")) {
            return text + " ".repeat(missing);
        }
        return zeros && text.startsWith("-")
                ? "-" + "0".repeat(missing) + text.substring(1)
                : (zeros ? "0" : " ").repeat(missing) + text;
    }

    static String braces(Run run, String format, Arguments given) {
        Growing out = new Growing(run);
        Matcher place = BRACES.matcher(format);
        int begin = 0;
        int next = 0;
        while (place.find()) {
            out.add(format.substring(begin, place.start()));
            begin = place.end();
            String name = place.group("name");
            if (place.group().equals("{{") || place.group().equals("}}")) {
                out.add(place.group().substring(1));
            } else if (name == null) {
                throw run.bad("a format has a place that is not {}, {0} or {name}, which are known");
            } else {
                boolean isNumber = name.chars().allMatch(Character::isDigit) && name.length() < 6;
                int index = !isNumber ? -1 : name.isEmpty() ? next++ : Integer.parseInt(name);
                Object value = index >= 0
                        ? index < given.positional().size() ? given.positional().get(index) : null
                        : given.named().get(name);
                if (value == null) {
                    throw run.bad("a format has the place '" + place.group() + "', for which no value was given");
                }
                out.add(Printed.of(run, value));
            }
        }
        out.add(format.substring(begin));
        return out.toString();
    }
}
