package dev.peft4j.core.adapter;

import java.util.HashMap;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * Regular expressions of {@code adapter_config.json}, which are Python's: named groups {@code (?P<name>..)}, {@code (?P=name)}, comments, {@code \Z},
 * {@code {,n}} and brackets inside of character classes are put in Java's words; what both write alike stays.
 */
final class PythonPattern {
    private static final String QUANTIFIER = "\\{(\\d*,\\d+|\\d+(,\\d*)?)}.*";

    private final String python;
    private final StringBuilder java = new StringBuilder();
    private final Map<String, String> groups = new HashMap<>(); // names, which Java has without underscores
    private int at;

    private PythonPattern(String python) {
        this.python = python;
    }

    /**
     * A pattern of a field.
     *
     * @throws IllegalArgumentException if it is no regular expression, or uses what Java's do not have
     */
    static Pattern compile(String field, String python) {
        try {
            return Pattern.compile(new PythonPattern(python).translate());
        } catch (PatternSyntaxException e) {
            throw new IllegalArgumentException(
                    field + " \"" + python + "\" is not a regular expression: " + e.getDescription()
                            + ". Give a list of layer names, all-linear, or a valid expression.",
                    e);
        }
    }

    private String translate() {
        while (at < python.length()) {
            char c = python.charAt(at);
            if (c == '\\') {
                escape();
            } else if (c == '[') {
                characterClass();
            } else if (c == '(' && python.startsWith("(?", at)) {
                group();
            } else if (c == '{') {
                brace();
            } else {
                take(1);
            }
        }
        return java.toString();
    }

    private void take(int count) {
        java.append(python, at, Math.min(python.length(), at + count));
        at += count;
    }

    private void put(String text, int instead) {
        java.append(text);
        at += instead;
    }

    private void escape() {
        if (python.startsWith("\\Z", at)) {
            put("\\z", 2); // Java's \Z is in front of a last line end too
        } else {
            take(2);
        }
    }

    /** {@code [..]}: an opening bracket and {@code &&} have no meaning in Python, a closing one does not end an empty class. */
    private void characterClass() {
        take(1);
        if (at < python.length() && python.charAt(at) == '^') {
            take(1);
        }
        boolean first = true;
        while (at < python.length() && (first || python.charAt(at) != ']')) {
            char c = python.charAt(at);
            if (c == '\\') {
                take(2);
            } else if (c == '[' || c == '&' || c == ']') {
                put("\\" + c, 1);
            } else {
                take(1);
            }
            first = false;
        }
        take(1);
    }

    private void group() {
        if (python.startsWith("(?P<", at)) {
            int end = end('>', at + 4);
            put("(?<" + javaName(python.substring(at + 4, end)) + ">", end + 1 - at);
        } else if (python.startsWith("(?P=", at)) {
            int end = end(')', at + 4);
            put("\\k<" + javaName(python.substring(at + 4, end)) + ">", end + 1 - at);
        } else if (python.startsWith("(?#", at)) {
            at = end(')', at + 3) + 1;
        } else if (python.startsWith("(?(", at)) {
            throw new PatternSyntaxException("a choice by group (?(..)..) is not supported", python, at);
        } else if (python.startsWith("(?a)", at) || python.startsWith("(?u)", at)) {
            at += 4; // ASCII or Unicode: the names of layers are the same in both
        } else {
            take(2);
        }
    }

    private int end(char closing, int from) {
        int end = python.indexOf(closing, from);
        if (end < 0) {
            throw new PatternSyntaxException("a group is not closed", python, at);
        }
        return end;
    }

    private String javaName(String name) {
        return groups.computeIfAbsent(name, n -> "g" + groups.size());
    }

    /** A quantifier, or the character itself where it is none. */
    private void brace() {
        if (python.startsWith("{,", at) && python.substring(at).matches(QUANTIFIER)) {
            put("{0,", 2);
        } else if (python.substring(at).matches(QUANTIFIER)) {
            take(1);
        } else {
            put("\\{", 1);
        }
    }
}
