package dev.peft4j.core.adapter;

import dev.peft4j.core.error.BadInputException;
import java.util.HashSet;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * Regular expressions of {@code adapter_config.json}, which are Python's. They are parsed by Python's rules and written in Java's words, so that an
 * expression that Python refuses is refused, and one that both know means what it means in Python.
 */
final class PythonPattern extends PythonGroups {
    private static final int LONGEST = 10_000; // characters
    private static final int MOST_REPEATS = 1000;
    private static final int MOST_EMPTIES = 8;
    private static final Pattern VERBOSE =
            Pattern.compile("(\\(\\?(#[^)]*|[aimsux]+)\\))*?\\(\\?[aimsu]*x[aimsux]*\\)");
    private static final Pattern GLOBAL = Pattern.compile("\\(\\?[aimsux]+\\)");

    private int empties;

    private PythonPattern(String python, Set<Integer> conditions, boolean verbose) {
        super(python, conditions, verbose);
    }

    /**
     * A pattern of a field.
     *
     * @throws BadInputException if it is no regular expression of Python
     */
    static Pattern compile(String field, String python) {
        try {
            if (python.length() > LONGEST) {
                throw new PatternSyntaxException("it has more than " + LONGEST + " characters", "", -1);
            }
            return Pattern.compile(translate(python));
        } catch (PatternSyntaxException e) {
            throw new BadInputException(
                    field + " " + PythonValue.shown(python) + " cannot be read as a regular expression of Python: "
                            + e.getDescription() + ". Give a list of layer names, all-linear, or a valid expression.",
                    e);
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
    @Override
    PatternPart alternatives() {
        PatternPart all = sequence();
        while (take("|")) {
            java.append('|');
            begun = true;
            PatternPart other = sequence();
            if (all.least() == 0 && other.least() == 0) {
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

    @Override
    PatternPart sequence() {
        PatternPart all = PatternPart.EMPTY;
        skip();
        while (at < python.length() && !has("|") && !has(")")) {
            int start = java.length();
            int from = at;
            PatternPart item = item();
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

    private PatternPart item() {
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
                return PatternPart.ANCHOR;
            }
            case '*', '+', '?' -> throw error("nothing to repeat");
            default -> {
                if (c == '{' && isQuantifier(at - 1)) {
                    throw error("nothing to repeat");
                }
                literal(c);
            }
        }
        return PatternPart.ONE;
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
    private PatternPart quantified(PatternPart item, int start) {
        skip();
        int least;
        int most;
        if (take("*")) {
            least = 0;
            most = PatternPart.ENDLESS;
        } else if (take("+")) {
            least = 1;
            most = PatternPart.ENDLESS;
        } else if (take("?")) {
            least = 0;
            most = 1;
        } else if (has("{") && isQuantifier(at)) {
            String[] bounds = python.substring(at + 1, python.indexOf('}', at)).split(",", -1);
            at = python.indexOf('}', at) + 1;
            least = bounds[0].isEmpty() ? 0 : bound(bounds[0]);
            most = bounds.length == 1 ? least : bounds[1].isEmpty() ? PatternPart.ENDLESS : bound(bounds[1]);
        } else {
            return item;
        }
        if (!item.repeatable()) {
            throw error("nothing to repeat");
        }
        if (item.least() == 0) {
            countEmpty();
        }
        if (most < least) {
            throw error("the least number of repeats is above the most");
        }
        java.insert(start, "(?:").append(')');
        java.append('{')
                .append(least)
                .append(',')
                .append(most == PatternPart.ENDLESS ? "" : most)
                .append('}');
        if (take("?")) {
            java.append('?');
        } else if (take("+")) {
            java.append('+');
        }
        if (has("*") || has("+") || has("?") || (has("{") && isQuantifier(at))) {
            throw error("multiple repeat");
        }
        boolean endless = most == PatternPart.ENDLESS || item.most() == PatternPart.ENDLESS;
        return new PatternPart(
                Math.min(item.least(), MOST_REPEATS) * least,
                endless && item.most() > 0
                        ? PatternPart.ENDLESS
                        : Math.min(item.most(), MOST_REPEATS) * Math.min(most, MOST_REPEATS),
                true);
    }

    private int bound(String digits) {
        String plain = digits.replaceFirst("^0+(?=.)", "");
        if (plain.length() > 4 || Integer.parseInt(plain) > MOST_REPEATS) {
            throw error("it has more than " + MOST_REPEATS + " repeats");
        }
        return Integer.parseInt(plain);
    }

    private PatternPart escape() {
        char c = next();
        switch (c) {
            case 'A', 'b', 'B' -> {
                java.append('\\').append(c);
                return PatternPart.ANCHOR;
            }
            case 'Z' -> {
                java.append("\\z"); // Java's \Z is in front of a last line end too
                return PatternPart.ANCHOR;
            }
            case 'd', 'D', 's', 'S', 'w', 'W' -> java.append('\\').append(c);
            default -> {
                if (c >= '1' && c <= '9' && !isOctal()) {
                    return reference(c);
                }
                literal(character(c));
            }
        }
        return PatternPart.ONE;
    }

    /** Whether the digit in front of this place begins three octal ones. */
    private boolean isOctal() {
        return python.substring(at - 1, Math.min(python.length(), at + 2)).matches("[0-7]{3}");
    }
}
