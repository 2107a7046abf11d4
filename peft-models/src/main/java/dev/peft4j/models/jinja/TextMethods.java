package dev.peft4j.models.jinja;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.IntPredicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Methods of Python's {@code str}. */
final class TextMethods {
    private static final Set<String> KNOWN = Set.of(
            "upper",
            "lower",
            "casefold",
            "capitalize",
            "title",
            "swapcase",
            "strip",
            "lstrip",
            "rstrip",
            "split",
            "rsplit",
            "splitlines",
            "startswith",
            "endswith",
            "replace",
            "find",
            "rfind",
            "index",
            "count",
            "join",
            "removeprefix",
            "removesuffix",
            "isdigit",
            "isdecimal",
            "isnumeric",
            "isalpha",
            "isalnum",
            "isspace",
            "isupper",
            "islower",
            "zfill",
            "center",
            "ljust",
            "rjust",
            "partition",
            "rpartition",
            "format");

    private TextMethods() {}

    static boolean isKnown(String name) {
        return KNOWN.contains(name);
    }

    static Object call(Run run, String text, String name, Arguments given) {
        run.spendText(text.length());
        return switch (name) {
            case "upper" -> run.made(text.toUpperCase(Locale.ROOT));
            case "lower", "casefold" -> run.made(text.toLowerCase(Locale.ROOT));
            case "capitalize" -> run.made(capitalized(text));
            case "title" -> run.made(titled(text));
            case "swapcase" ->
                run.made(text.codePoints()
                        .mapToObj(c -> Character.isUpperCase(c)
                                ? Character.toString(c).toLowerCase(Locale.ROOT)
                                : Character.toString(c).toUpperCase(Locale.ROOT))
                        .collect(Collectors.joining()));
            case "strip" -> stripped(run, text, given.bind("chars").textOrNone("chars"), true, true);
            case "lstrip" -> stripped(run, text, given.bind("chars").textOrNone("chars"), true, false);
            case "rstrip" -> stripped(run, text, given.bind("chars").textOrNone("chars"), false, true);
            case "split" -> split(run, text, given.bind("sep", "maxsplit"), false);
            case "rsplit" -> split(run, text, given.bind("sep", "maxsplit"), true);
            case "splitlines" -> lines(run, text, given.bind("keepends").flag("keepends", false));
            case "startswith" -> hasEnd(run, text, given.bind("prefix").value("prefix"), true);
            case "endswith" -> hasEnd(run, text, given.bind("suffix").value("suffix"), false);
            case "replace" -> {
                Arguments.Bound bound = given.bind("old", "new", "count");
                yield replaced(run, text, bound.text("old"), bound.text("new"), bound.whole("count", -1));
            }
            case "find", "rfind", "index", "count" -> found(run, text, name, given);
            case "join" ->
                joined(run, text, Values.items(run, given.bind("iterable").value("iterable")));
            case "removeprefix" -> {
                String prefix = given.bind("prefix").text("prefix");
                yield run.made(text.startsWith(prefix) ? text.substring(prefix.length()) : text);
            }
            case "removesuffix" -> {
                String suffix = given.bind("suffix").text("suffix");
                yield run.made(text.endsWith(suffix) ? text.substring(0, text.length() - suffix.length()) : text);
            }
            case "isdigit", "isdecimal", "isnumeric" -> all(text, Character::isDigit);
            case "isalpha" -> all(text, Character::isLetter);
            case "isalnum" -> all(text, Character::isLetterOrDigit);
            case "isspace" -> all(text, Characters::isSpace);
            case "isupper" -> isCased(text, Character::isUpperCase, Character::isLowerCase);
            case "islower" -> isCased(text, Character::isLowerCase, Character::isUpperCase);
            case "zfill", "center", "ljust", "rjust" -> filled(run, text, name, given);
            case "partition", "rpartition" ->
                parted(run, text, given.bind("sep").text("sep"), name.equals("partition"));
            default -> Formats.braces(run, text, given);
        };
    }

    static String capitalized(String text) {
        int first = text.isEmpty() ? 0 : Character.charCount(text.codePointAt(0));
        return text.substring(0, first).toUpperCase(Locale.ROOT)
                + text.substring(first).toLowerCase(Locale.ROOT);
    }

    private static String titled(String text) {
        StringBuilder out = new StringBuilder();
        boolean within = false;
        for (int c : text.codePoints().toArray()) {
            String one = Character.toString(c);
            out.append(within ? one.toLowerCase(Locale.ROOT) : one.toUpperCase(Locale.ROOT));
            within = Character.isLetter(c);
        }
        return out.toString();
    }

    /**
     * Without characters at the ends.
     *
     * @param characters that are taken; null for white space
     */
    static String stripped(Run run, String text, @Nullable String characters, boolean begin, boolean end) {
        Set<Integer> taken =
                characters == null ? Set.of() : characters.codePoints().boxed().collect(Collectors.toSet());
        IntPredicate isTaken = characters == null ? Characters::isSpace : taken::contains;
        int from = 0;
        int to = text.length();
        while (begin && from < to && isTaken.test(text.codePointAt(from))) {
            from += Character.charCount(text.codePointAt(from));
        }
        while (end && from < to && isTaken.test(text.codePointBefore(to))) {
            to -= Character.charCount(text.codePointBefore(to));
        }
        return run.made(text.substring(from, to));
    }

    private static List<Object> split(Run run, String text, Arguments.Bound given, boolean fromEnd) {
        String separator = given.textOrNone("sep");
        int most = given.whole("maxsplit", -1);
        int left = most < 0 ? Integer.MAX_VALUE : most;
        if (separator != null && separator.isEmpty()) {
            throw run.bad("a text was to be split at an empty text");
        }
        if (separator != null) {
            Operators.spendSearch(run, text, separator);
        }
        List<Object> parts = fromEnd ? lastParts(text, separator, left) : firstParts(text, separator, left);
        run.spendText(text.length() + 32L * parts.size());
        return parts;
    }

    private static List<Object> firstParts(String text, @Nullable String separator, int most) {
        List<Object> parts = new ArrayList<>();
        String rest = separator == null ? Characters.stripStart(text) : text;
        int begin = 0;
        while (begin <= rest.length()) {
            int end =
                    parts.size() == most ? -1 : separator == null ? space(rest, begin) : rest.indexOf(separator, begin);
            if (end < 0) {
                break;
            }
            parts.add(rest.substring(begin, end));
            begin = separator == null ? behindSpace(rest, end) : end + separator.length();
        }
        String last = rest.substring(Math.min(begin, rest.length()));
        if (separator == null) {
            last = parts.size() == most ? last : Characters.stripEnd(last);
        }
        if (separator != null || !last.isEmpty()) {
            parts.add(last);
        }
        return parts;
    }

    private static int space(String text, int from) {
        for (int i = from; i < text.length(); i++) {
            if (Characters.isSpace(text.charAt(i))) {
                return i;
            }
        }
        return -1;
    }

    private static int behindSpace(String text, int from) {
        int i = from;
        while (i < text.length() && Characters.isSpace(text.charAt(i))) {
            i++;
        }
        return i;
    }

    private static List<Object> lastParts(String text, @Nullable String separator, int most) {
        String turned = new StringBuilder(text).reverse().toString();
        String turnedSeparator = separator == null
                ? null
                : new StringBuilder(separator).reverse().toString();
        List<Object> parts = firstParts(turned, turnedSeparator, most);
        Collections.reverse(parts);
        parts.replaceAll(part -> new StringBuilder(part.toString()).reverse().toString());
        return parts;
    }

    private static List<Object> lines(Run run, String text, boolean withEnds) {
        List<Object> lines = new ArrayList<>();
        int begin = 0;
        for (int i = 0; i < text.length(); i++) {
            if (Characters.isLineEnd(text.charAt(i))) {
                boolean both = text.charAt(i) == '\r' && i + 1 < text.length() && text.charAt(i + 1) == '\n';
                int behind = i + (both ? 2 : 1);
                lines.add(text.substring(begin, withEnds ? behind : i));
                begin = behind;
                i = behind - 1;
            }
        }
        if (begin < text.length()) {
            lines.add(text.substring(begin));
        }
        run.spendText(text.length() + 32L * lines.size());
        return lines;
    }

    private static boolean hasEnd(Run run, String text, Object ends, boolean isBegin) {
        for (Object end : ends instanceof Tuple several ? several.items() : List.of(ends)) {
            if (!(end instanceof String part)) {
                throw run.bad("a text was compared with '" + Values.typeName(end) + "' at its end; give a text");
            }
            run.spendText(part.length());
            if (isBegin ? text.startsWith(part) : text.endsWith(part)) {
                return true;
            }
        }
        return false;
    }

    static String replaced(Run run, String text, String old, String by, int most) {
        Operators.spendSearch(run, text, old);
        Growing out = new Growing(run);
        int begin = 0;
        int from = 0;
        for (int n = 0; n != most && from <= text.length(); n++) {
            int at = text.indexOf(old, from);
            if (at < 0) {
                break;
            }
            out.add(text.substring(begin, at));
            out.add(by);
            begin = at + old.length();
            from = old.isEmpty() && at < text.length() ? at + Character.charCount(text.codePointAt(at)) : begin;
            if (old.isEmpty() && at == text.length()) {
                break;
            }
        }
        out.add(text.substring(begin));
        return out.toString();
    }

    private static long found(Run run, String text, String name, Arguments given) {
        String part = given.bind("sub").text("sub");
        Operators.spendSearch(run, text, part);
        if (name.equals("count")) {
            if (part.isEmpty()) {
                return Values.length(text) + 1;
            }
            long count = 0;
            for (int at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + part.length())) {
                count++;
            }
            return count;
        }
        int at = name.equals("rfind") ? text.lastIndexOf(part) : text.indexOf(part);
        if (at < 0 && name.equals("index")) {
            throw run.bad("the place of a text was asked for that is not in the other");
        }
        return at < 0 ? -1 : text.codePointCount(0, at);
    }

    private static String joined(Run run, String between, List<Object> items) {
        Growing out = new Growing(run);
        for (int i = 0; i < items.size(); i++) {
            if (!(items.get(i) instanceof String part)) {
                throw run.bad("'" + Values.typeName(items.get(i)) + "' was to be joined to a text; texts can be");
            }
            out.add(i == 0 ? "" : between);
            out.add(part);
        }
        return out.toString();
    }

    private static boolean all(String text, IntPredicate is) {
        return !text.isEmpty() && text.codePoints().allMatch(is);
    }

    private static boolean isCased(String text, IntPredicate is, IntPredicate isOther) {
        return text.codePoints().anyMatch(is) && text.codePoints().noneMatch(isOther);
    }

    private static String filled(Run run, String text, String name, Arguments given) {
        Arguments.Bound bound = given.bind("width", "fillchar");
        String fill = name.equals("zfill") ? "0" : bound.text("fillchar", " ");
        bound.value("width");
        long missing = bound.whole("width", 0) - Values.length(text);
        run.requireLength(text.length() + Math.max(0, missing));
        if (missing <= 0 || fill.codePointCount(0, fill.length()) != 1) {
            return text;
        }
        int count = (int) missing;
        boolean signed = name.equals("zfill") && (text.startsWith("-") || text.startsWith("+"));
        int width = bound.whole("width", 0);
        int left = name.equals("ljust") ? 0 : name.equals("center") ? count / 2 + (count & width & 1) : count;
        String filled = fill.repeat(left) + text.substring(signed ? 1 : 0) + fill.repeat(count - left);
        return run.made(signed ? text.charAt(0) + filled : filled);
    }

    private static Tuple parted(Run run, String text, String separator, boolean first) {
        Operators.spendSearch(run, text, separator);
        int at = first ? text.indexOf(separator) : text.lastIndexOf(separator);
        if (at < 0) {
            return first ? Tuple.of(text, "", "") : Tuple.of("", "", text);
        }
        return Tuple.of(text.substring(0, at), separator, text.substring(at + separator.length()));
    }
}
