package dev.peft4j.models.jinja;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** The filters of Jinja that take one value; those of lists are in {@link ListFilters}. */
final class Filters {
    private static final Set<String> OF_VALUES = Set.of(
            "abs",
            "attr",
            "capitalize",
            "center",
            "count",
            "d",
            "default",
            "e",
            "escape",
            "float",
            "forceescape",
            "format",
            "indent",
            "int",
            "items",
            "length",
            "list",
            "lower",
            "replace",
            "round",
            "safe",
            "string",
            "title",
            "tojson",
            "trim",
            "upper",
            "wordcount");
    private static final Set<String> OF_SITES = Set.of(
            "filesizeformat",
            "groupby",
            "pprint",
            "random",
            "slice",
            "striptags",
            "truncate",
            "urlencode",
            "urlize",
            "wordwrap",
            "xmlattr");

    private Filters() {}

    static boolean isKnown(String name) {
        return OF_VALUES.contains(name) || ListFilters.isKnown(name);
    }

    /** What is wrong with a filter that is not known. */
    static String unknown(String name) {
        String shown = name.length() <= 60 ? name : name.substring(0, 60) + "...";
        return "the filter '" + shown + "' stands, "
                + (OF_SITES.contains(name) ? "which is not known here" : "which Jinja does not have");
    }

    static Object apply(Run run, String name, Object value, Arguments given) {
        run.spendText(value instanceof String text ? text.length() : 0);
        if (ListFilters.isKnown(name)) {
            return ListFilters.apply(run, name, value, given);
        }
        return switch (name) {
            case "abs" ->
                Values.isNumber(value) && Operators.compare(run, value, 0L) < 0
                        ? Operators.signed(run, true, value)
                        : Operators.signed(run, false, value);
            case "attr" -> attribute(run, value, given.bind("name").text("name"));
            case "capitalize" -> run.made(TextMethods.capitalized(text(run, value)));
            case "center" ->
                TextMethods.call(
                        run,
                        text(run, value),
                        "center",
                        new Arguments(
                                run,
                                "center",
                                List.of((long) given.bind("width").whole("width", 80)),
                                Map.of()));
            case "count", "length" -> length(run, value);
            case "d", "default" -> {
                Arguments.Bound bound = given.bind("default_value", "boolean");
                boolean isMissing =
                        value instanceof Undefined || (bound.flag("boolean", false) && !Values.isTrue(value));
                yield isMissing ? bound.value("default_value", "") : value;
            }
            case "e", "escape", "forceescape" -> run.made(escaped(text(run, value)));
            case "float" -> number(run, value, given.bind("default").value("default", 0.0));
            case "format" ->
                Formats.percent(
                        run,
                        text(run, value),
                        given.named().isEmpty()
                                ? new Tuple(given.positional())
                                : Values.objects((Map<?, ?>) given.named()));
            case "indent" -> indented(run, text(run, value), given.bind("width", "first", "blank"));
            case "int" -> whole(value, given.bind("default", "base"));
            case "items" ->
                value instanceof Undefined
                        ? List.of()
                        : Attributes.entries(run, Values.objects(requireMap(run, value)));
            case "list" -> new ArrayList<>(Values.items(run, value));
            case "lower" -> run.made(text(run, value).toLowerCase(Locale.ROOT));
            case "replace" -> {
                Arguments.Bound bound = given.bind("old", "new", "count");
                yield TextMethods.replaced(
                        run,
                        text(run, value),
                        text(run, bound.value("old")),
                        text(run, bound.value("new")),
                        bound.value("count", None.NONE) == None.NONE ? -1 : bound.whole("count", -1));
            }
            case "round" -> rounded(run, value, given.bind("precision", "method"));
            case "safe", "string" -> text(run, value);
            case "title" -> run.made(titled(text(run, value)));
            case "tojson" -> json(run, value, given);
            case "trim" ->
                TextMethods.stripped(run, text(run, value), given.bind("chars").textOrNone("chars"), true, true);
            case "upper" -> run.made(text(run, value).toUpperCase(Locale.ROOT));
            case "wordcount" -> words(text(run, value));
            default -> throw run.bad(unknown(name));
        };
    }

    private static String text(Run run, Object value) {
        return Printed.of(run, value);
    }

    private static Object attribute(Run run, Object value, String name) {
        return value instanceof Map<?, ?>
                ? new Undefined("a map has no attributes")
                : Attributes.attribute(run, value, name);
    }

    private static long length(Run run, Object value) {
        long length = Values.length(value);
        if (length < 0) {
            throw run.bad("the length of '" + Values.typeName(value) + "' was asked for, which has none");
        }
        return length;
    }

    private static String escaped(String text) {
        return text.replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace(">", "&gt;")
                .replace("'", "&#39;")
                .replace("\"", "&#34;");
    }

    private static Object number(Run run, Object value, Object otherwise) {
        if (Values.isNumber(value)) {
            return Values.fraction(value);
        }
        if (value instanceof String text) {
            run.spendText(text.length());
            try {
                return Double.valueOf(text.strip().replaceFirst("[dDfF]$", "?"));
            } catch (NumberFormatException e) {
                return otherwise;
            }
        }
        return otherwise;
    }

    private static Object whole(Object value, Arguments.Bound given) {
        Object otherwise = given.value("default", 0L);
        try {
            if (value instanceof String text) {
                String digits = text.strip();
                if (digits.length() <= 20) {
                    int base = Math.max(Character.MIN_RADIX, Math.min(given.whole("base", 10), Character.MAX_RADIX));
                    return digits.indexOf('.') < 0
                            ? Long.parseLong(digits, base)
                            : (long) Double.parseDouble(digits.replaceFirst("[dDfF]$", "?"));
                }
                return otherwise;
            }
        } catch (NumberFormatException e) {
            return otherwise;
        }
        return value instanceof Double d && Double.isFinite(d)
                ? (Object) (long) (double) d
                : Values.isWhole(value) ? Values.whole(value) : otherwise;
    }

    private static Map<?, ?> requireMap(Run run, Object value) {
        if (value instanceof Map<?, ?> map) {
            return map;
        }
        throw run.bad("the keys and values of '" + Values.typeName(value) + "' were asked for; a map has them");
    }

    private static Object rounded(Run run, Object value, Arguments.Bound given) {
        if (!Values.isNumber(value) || !Double.isFinite(Values.fraction(value))) {
            throw run.bad("'" + Values.typeName(value) + "' was to be rounded; numbers can be");
        }
        RoundingMode mode =
                switch (given.text("method", "common")) {
                    case "ceil" -> RoundingMode.CEILING;
                    case "floor" -> RoundingMode.FLOOR;
                    case "common" -> RoundingMode.HALF_EVEN;
                    default -> throw run.bad("a number is rounded by the method common, ceil or floor");
                };
        int digits = Math.max(-400, Math.min(given.whole("precision", 0), 400));
        boolean stays = Values.isWhole(value) && mode == RoundingMode.HALF_EVEN;
        double rounded =
                new BigDecimal(Values.fraction(value)).setScale(digits, mode).doubleValue();
        return stays ? (Object) (long) rounded : (Object) rounded;
    }

    private static String indented(Run run, String text, Arguments.Bound given) {
        Object width = given.value("width", 4L);
        String indent =
                width instanceof String s ? s : " ".repeat(Math.max(0, Math.min(given.whole("width", 4), 1000)));
        boolean blank = given.flag("blank", false);
        String[] lines = text.split("\r\n|[\n\r\u000b\f\u001c-\u001e\u0085\u2028\u2029]", -1);
        Growing out = new Growing(run);
        for (int i = 0; i < lines.length; i++) {
            out.add(i == 0 ? "" : "\n");
            boolean first = i == 0;
            out.add(first ? (given.flag("first", false) ? indent : "") : blank || !lines[i].isEmpty() ? indent : "");
            out.add(lines[i]);
        }
        return out.toString();
    }

    private static String titled(String text) {
        StringBuilder out = new StringBuilder();
        boolean begins = true;
        for (int c : text.codePoints().toArray()) {
            String one = Character.toString(c);
            out.append(begins ? one.toUpperCase(Locale.ROOT) : one.toLowerCase(Locale.ROOT));
            begins = Characters.isSpace(c) || "-({[<".indexOf(c) >= 0;
        }
        return out.toString();
    }

    private static String json(Run run, Object value, Arguments given) {
        Arguments.Bound bound = given.bind("ensure_ascii", "indent", "separators", "sort_keys");
        Object indent = bound.value("indent", None.NONE);
        String spaces = indent == None.NONE
                ? null
                : indent instanceof String text
                        ? text
                        : " ".repeat(Math.max(0, Math.min(bound.whole("indent", 0), 1000)));
        JsonText json = JsonText.of(bound.flag("ensure_ascii", false), spaces, bound.flag("sort_keys", false));
        Object separators = bound.value("separators", None.NONE);
        if (separators != None.NONE) {
            List<Object> two = Values.items(run, separators);
            if (two.size() != 2 || !(two.get(0) instanceof String comma) || !(two.get(1) instanceof String colon)) {
                throw run.bad("separators of tojson are to be two texts");
            }
            json = new JsonText(json.ascii(), json.indent(), comma, colon, json.sorted());
        }
        return json.print(run, value);
    }

    private static long words(String text) {
        long words = 0;
        boolean within = false;
        for (int c : text.codePoints().toArray()) {
            boolean is = Characters.isWord(c);
            words += is && !within ? 1 : 0;
            within = is;
        }
        return words;
    }
}
