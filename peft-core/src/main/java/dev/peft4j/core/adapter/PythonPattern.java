package dev.peft4j.core.adapter;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;

/**
 * Regular expressions of {@code adapter_config.json}, which are Python's. They are parsed by Python's rules and written in Java's words, so that an
 * expression that Python refuses is refused, and one that both know means what it means in Python.
 */
final class PythonPattern extends PythonCharacters {
    private static final int LONGEST = 10_000; // characters
    private static final int DEEPEST = 100; // groups in groups, as the parsers are recursive
    private static final int MOST_REPEATS = 1000;
    private static final int MOST_EMPTIES = 8;
    private static final Pattern VERBOSE =
            Pattern.compile("(\\(\\?(#[^)]*|[aimsux]+)\\))*?\\(\\?[aimsu]*x[aimsux]*\\)");
    private static final Pattern GLOBAL = Pattern.compile("\\(\\?[aimsux]+\\)");
    private static final int ENDLESS = Integer.MAX_VALUE;

    private final Map<String, Integer> names = new HashMap<>(); // of groups
    private final List<Integer> groups = new ArrayList<>(List.of(0)); // Java's numbers by Python's
    private final Set<Integer> open = new HashSet<>(); // groups that are not closed yet
    private final Set<Integer> conditions; // groups whose match a later part asks for
    private final Map<Integer, Integer> asked = new HashMap<>(); // Java's numbers of empty groups that match with them
    private int javaGroups;
    private int depth;
    private int empties;
    private boolean verbose;
    private boolean begun; // something else than flags came

    private PythonPattern(String python, Set<Integer> conditions, boolean verbose) {
        super(python);
        this.conditions = conditions;
        this.verbose = verbose;
    }

    /**
     * A pattern of a field.
     *
     * @throws IllegalArgumentException if it is no regular expression of Python
     */
    static Pattern compile(String field, String python) {
        try {
            if (python.length() > LONGEST) {
                throw new PatternSyntaxException("it has more than " + LONGEST + " characters", "", -1);
            }
            return Pattern.compile(translate(python));
        } catch (PatternSyntaxException e) {
            throw new IllegalArgumentException(
                    field + " " + PythonValue.shown(python) + " cannot be read as a regular expression of Python: "
                            + e.getDescription() + ". Give a list of layer names, all-linear, or a valid expression.",
                    e);
        }
    }

    /** What a part of an expression can match: so many characters, and whether a quantifier may follow. */
    private record Part(int least, int most, boolean repeatable) {
        static final Part EMPTY = new Part(0, 0, true);
        static final Part ONE = new Part(1, 1, true);
        static final Part ANCHOR = new Part(0, 0, false);

        Part then(Part next) {
            return new Part(
                    least + next.least,
                    most == ENDLESS || next.most == ENDLESS ? ENDLESS : most + next.most,
                    repeatable);
        }

        Part or(Part other) {
            return new Part(Math.min(least, other.least), Math.max(most, other.most), repeatable);
        }
    }

    private static String translate(String python) {
        Set<Integer> conditions = new HashSet<>();
        boolean verbose = VERBOSE.matcher(python).lookingAt();
        PythonPattern first = new PythonPattern(python, conditions, verbose);
        first.whole();
        if (conditions.isEmpty()) {
            return first.java.toString();
        }
        PythonPattern second =
                new PythonPattern(python, conditions, verbose); // now the groups are known that are asked for
        second.whole();
        return second.java.toString();
    }

    private void whole() {
        alternatives();
        if (at < python.length()) {
            throw error("unbalanced parenthesis");
        }
    }

    /** Branches with {@code |} between them, up to a closing parenthesis or the end. */
    private Part alternatives() {
        Part all = sequence();
        while (take("|")) {
            java.append('|');
            begun = true;
            Part other = sequence();
            if (all.least == 0 && other.least == 0) {
                countEmpty();
            }
            all = all.or(other);
        }
        return all;
    }

    /** Two ways to match nothing, behind each other, make a match take twice as long without looking at the text, which {@link BoundedText} would see. */
    private void countEmpty() {
        if (++empties > MOST_EMPTIES) {
            throw error("more than " + MOST_EMPTIES + " parts of it can match nothing in two ways");
        }
    }

    private Part sequence() {
        Part all = Part.EMPTY;
        skip();
        while (at < python.length() && !has("|") && !has(")")) {
            int start = java.length();
            int from = at;
            Part item = item();
            begun |= !GLOBAL.matcher(python.substring(from, at)).matches();
            all = all.then(quantified(item, start));
            skip();
        }
        return all;
    }

    /** Skips comments, and white space where that has no meaning. */
    private void skip() {
        while (at < python.length() && (isComment() || (verbose && isSpace()))) {
            // until something else comes
        }
    }

    private boolean isComment() {
        if (take("(?#")) {
            at = end(')') + 1;
            return true;
        }
        return false;
    }

    private boolean isSpace() {
        char c = python.charAt(at);
        if (c == '#') {
            int end = python.indexOf('\n', at);
            at = end < 0 ? python.length() : end + 1;
            return true;
        }
        if (Character.isWhitespace(c)) {
            at++;
            return true;
        }
        return false;
    }

    private Part item() {
        char c = next();
        switch (c) {
            case '\\' -> {
                return escape();
            }
            case '[' -> characterClass();
            case '(' -> {
                return group();
            }
            case '.' -> java.append('.');
            case '^', '$' -> {
                java.append(c);
                return Part.ANCHOR;
            }
            case '*', '+', '?' -> throw error("nothing to repeat");
            default -> {
                if (c == '{' && isQuantifier(at - 1)) {
                    throw error("nothing to repeat");
                }
                literal(c);
            }
        }
        return Part.ONE;
    }

    /** Whether a brace begins a quantifier: {@code {2}}, {@code {2,}}, {@code {,3}}, {@code {,}}. */
    private boolean isQuantifier(int brace) {
        int end = brace + 1;
        int commas = 0;
        while (end < python.length()
                && (Character.isDigit(python.charAt(end)) || (python.charAt(end) == ',' && commas == 0))) {
            commas += python.charAt(end) == ',' ? 1 : 0;
            end++;
        }
        return end > brace + 1 && end < python.length() && python.charAt(end) == '}';
    }

    /** Takes the quantifier behind an item. */
    private Part quantified(Part item, int start) {
        skip();
        int least;
        int most;
        if (take("*")) {
            least = 0;
            most = ENDLESS;
        } else if (take("+")) {
            least = 1;
            most = ENDLESS;
        } else if (take("?")) {
            least = 0;
            most = 1;
        } else if (has("{") && isQuantifier(at)) {
            String[] bounds = python.substring(at + 1, python.indexOf('}', at)).split(",", -1);
            at = python.indexOf('}', at) + 1;
            least = bounds[0].isEmpty() ? 0 : bound(bounds[0]);
            most = bounds.length == 1 ? least : bounds[1].isEmpty() ? ENDLESS : bound(bounds[1]);
        } else {
            return item;
        }
        if (!item.repeatable) {
            throw error("nothing to repeat");
        }
        if (item.least == 0) {
            countEmpty();
        }
        if (most < least) {
            throw error("the least number of repeats is above the most");
        }
        java.insert(start, "(?:").append(')');
        java.append('{')
                .append(least)
                .append(',')
                .append(most == ENDLESS ? "" : most)
                .append('}');
        if (take("?")) {
            java.append('?');
        } else if (take("+")) {
            java.append('+');
        }
        if (has("*") || has("+") || has("?") || (has("{") && isQuantifier(at))) {
            throw error("multiple repeat");
        }
        boolean endless = most == ENDLESS || item.most == ENDLESS;
        return new Part(
                Math.min(item.least, MOST_REPEATS) * least,
                endless && item.most > 0 ? ENDLESS : Math.min(item.most, MOST_REPEATS) * Math.min(most, MOST_REPEATS),
                true);
    }

    private int bound(String digits) {
        String plain = digits.replaceFirst("^0+(?=.)", "");
        if (plain.length() > 4 || Integer.parseInt(plain) > MOST_REPEATS) {
            throw error("it has more than " + MOST_REPEATS + " repeats");
        }
        return Integer.parseInt(plain);
    }

    private Part escape() {
        char c = next();
        switch (c) {
            case 'A', 'b', 'B' -> {
                java.append('\\').append(c);
                return Part.ANCHOR;
            }
            case 'Z' -> {
                java.append("\\z"); // Java's \Z is in front of a last line end too
                return Part.ANCHOR;
            }
            case 'd', 'D', 's', 'S', 'w', 'W' -> java.append('\\').append(c);
            default -> {
                if (c >= '1' && c <= '9' && !isOctal()) {
                    return reference(c);
                }
                literal(character(c));
            }
        }
        return Part.ONE;
    }

    /** Whether the digit in front of this place begins three octal ones. */
    private boolean isOctal() {
        return python.substring(at - 1, Math.min(python.length(), at + 2)).matches("[0-7]{3}");
    }

    private Part reference(char first) {
        int group = first - '0';
        if (at < python.length() && Character.isDigit(python.charAt(at))) {
            group = 10 * group + (next() - '0');
        }
        return reference(group);
    }

    private Part reference(int group) {
        if (group >= groups.size()) {
            throw error("there is no group " + group);
        }
        if (open.contains(group)) {
            throw error("it refers to a group that is open");
        }
        java.append('\\').append(groups.get(group)).append("(?:)"); // so that no digit follows
        return new Part(0, ENDLESS, true);
    }

    private Part group() {
        if (++depth > DEEPEST) {
            throw error("it has more than " + DEEPEST + " groups in groups");
        }
        boolean outside = verbose;
        Part part = has("?") ? special() : capture(null);
        verbose = outside;
        depth--;
        return part;
    }

    private Part closed(Part inside) {
        if (!take(")")) {
            throw error("a group is not closed");
        }
        java.append(')');
        return inside;
    }

    private Part capture(@Nullable String name) {
        int number = groups.size();
        groups.add(++javaGroups);
        if (name != null && names.put(name, number) != null) {
            throw error("redefinition of group name " + name);
        }
        open.add(number);
        java.append(BlockNumbers.GROUP.equals(name) ? "(?<" + name + ">" : "(");
        Part inside = alternatives(number);
        open.remove(number);
        return closed(inside);
    }

    /** The alternatives of a group, and an empty group behind them that has matched where they have, if that is asked for. */
    private Part alternatives(int number) {
        if (!conditions.contains(number)) {
            return alternatives();
        }
        java.append("(?:");
        Part inside = alternatives();
        java.append(")()");
        javaGroups++;
        asked.put(number, javaGroups);
        return inside;
    }

    /** A group that begins with a question mark. */
    private Part special() {
        at++;
        if (take("P<")) {
            return capture(name('>'));
        }
        if (take("P=")) {
            Integer number = names.get(name(')'));
            if (number == null) {
                throw error("unknown group name");
            }
            return reference(number);
        }
        for (String kind : List.of(":", ">", "=", "!", "<=", "<!")) {
            if (take(kind)) {
                java.append("(?").append(kind);
                Part inside = closed(alternatives());
                if (kind.startsWith("<") && inside.least != inside.most) {
                    throw error("look-behind requires fixed-width pattern");
                }
                boolean around = !kind.equals(":") && !kind.equals(">");
                return around ? Part.EMPTY : inside;
            }
        }
        return take("(") ? condition() : flags();
    }

    private String name(char closing) {
        int end = end(closing);
        String name = python.substring(at, end);
        at = end + 1;
        if (name.isEmpty()
                || (!Character.isUnicodeIdentifierStart(name.charAt(0)) && name.charAt(0) != '_')
                || !name.chars().allMatch(Character::isUnicodeIdentifierPart)) {
            throw error("bad character in group name");
        }
        return name;
    }

    /** {@code (?(group)yes|no)}: Java refers to the empty group that has matched if the group has. */
    private Part condition() {
        int end = end(')');
        String text = python.substring(at, end);
        Integer number = text.matches("[0-9]{1,3}") ? Integer.valueOf(text) : names.get(text);
        if (number == null || number == 0) {
            throw error("unknown group");
        }
        if (number >= groups.size() || open.contains(number)) {
            throw error("it asks for group " + number + " before the end of that group");
        }
        at = end + 1;
        conditions.add(number);
        String has = "\\" + asked.getOrDefault(number, 0) + "(?:)";
        java.append("(?:").append(has);
        Part yes = sequence();
        java.append("|(?!").append(has).append(')');
        Part no = take("|") ? sequence() : Part.EMPTY;
        if (has("|")) {
            throw error("conditional backref with more than two branches");
        }
        return closed(yes.or(no));
    }

    /** {@code (?i)} at the start, or {@code (?i-s:..)}. ASCII or Unicode does not matter: names of layers are the same in both. */
    private Part flags() {
        int start = at;
        while (at < python.length() && "aiLmsux".indexOf(python.charAt(at)) >= 0) {
            at++;
        }
        String on = python.substring(start, at);
        String off = "";
        if (take("-")) {
            int from = at;
            while (at < python.length() && "imsx".indexOf(python.charAt(at)) >= 0) {
                at++;
            }
            off = python.substring(from, at);
            if (off.isEmpty()) {
                throw error("missing flag");
            }
        }
        boolean global = on.length() > 0 && off.isEmpty() && has(")");
        if (on.contains("L")
                || (on.contains("a") && on.contains("u"))
                || (!global && !has(":"))
                || (on.isEmpty() && off.isEmpty())) {
            throw error("unknown extension or flag");
        }
        if (global && (begun || depth > 1)) {
            throw error("global flags not at the start of the expression");
        }
        if (!on.isEmpty() && off.chars().anyMatch(c -> on.indexOf(c) >= 0)) {
            throw error("a flag is turned on and off");
        }
        at++;
        String known = on.replaceAll("[aux]", "") + (off.replace("x", "").isEmpty() ? "" : "-" + off.replace("x", ""));
        if (global) {
            java.append(known.isEmpty() ? "" : "(?" + known + ")");
            return Part.ANCHOR;
        }
        verbose = (verbose || on.contains("x")) && !off.contains("x");
        java.append("(?").append(known).append(':');
        return closed(alternatives());
    }
}
