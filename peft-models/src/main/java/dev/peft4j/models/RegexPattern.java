package dev.peft4j.models;

import dev.peft4j.core.error.BadInputException;
import java.util.ArrayList;
import java.util.List;

/**
 * A regular expression of a tokenizer, as far as it has to be known before it is handed over: what it may match, and how often a search may go back.
 *
 * <p>The engine behind the tokenizer library (Oniguruma) gives up after ten million steps back at one place of the text, and the library ends the
 * process then. Only expressions whose steps grow with the length of the text are let through: no back references, no recursion, and no
 * repetition inside a repetition that something has to follow.
 */
final class RegexPattern {
    private static final int LONGEST = 4096;
    private static final int DEEPEST = 50;
    private static final int MOST_REPEATS = 100_000;
    private static final String REFUSED = "KGRXyYkgcCM0123456789";

    private final String source;
    private final RegexNode root;
    private int at;

    private RegexPattern(String source) {
        this.source = source;
        if (source.length() > LONGEST) {
            throw new BadInputException("it has " + source.length() + " characters, more than " + LONGEST);
        }
        root = alternatives(0);
        if (at < source.length()) {
            throw refused("a closing bracket without an opening one");
        }
    }

    /**
     * Reads an expression.
     *
     * @throws BadInputException with a text that says what in it is not supported
     */
    static RegexPattern of(String source) {
        return new RegexPattern(source);
    }

    /** Fewest characters of a match. */
    int shortest() {
        return root.shortest();
    }

    /** Most steps back at one place of a text of n characters. */
    double steps(double n) {
        return root.cost(RegexNode.Cost.END, n).total();
    }

    private IllegalArgumentException refused(String what) {
        return new BadInputException("it has " + what + " at character " + at);
    }

    private boolean takes(String text) {
        boolean there = source.startsWith(text, at);
        at += there ? text.length() : 0;
        return there;
    }

    private int peek() {
        return at < source.length() ? source.codePointAt(at) : -1;
    }

    private int next() {
        if (at >= source.length()) {
            throw refused("no end");
        }
        int c = source.codePointAt(at);
        at += Character.charCount(c);
        return c;
    }

    private RegexNode alternatives(int depth) {
        if (depth > DEEPEST) {
            throw refused("more than " + DEEPEST + " groups inside each other");
        }
        List<RegexNode> branches = new ArrayList<>();
        do {
            branches.add(sequence(depth));
        } while (takes("|"));
        return branches.size() == 1 ? branches.get(0) : new RegexNode.Choice(branches);
    }

    private RegexNode sequence(int depth) {
        List<RegexNode> parts = new ArrayList<>();
        while (at < source.length() && peek() != '|' && peek() != ')') {
            parts.add(repeated(atom(depth)));
        }
        return parts.size() == 1 ? parts.get(0) : new RegexNode.Sequence(parts);
    }

    private RegexNode atom(int depth) {
        int c = next();
        return switch (c) {
            case '(' -> group(depth);
            case '[' -> characterClass(depth);
            case '\\' -> escape();
            case '^', '$' -> new RegexNode.One(0);
            case '*', '+', '?' -> throw refused("a repetition of nothing");
            default -> new RegexNode.One(1);
        };
    }

    private RegexNode group(int depth) {
        if (peek() == '*') {
            throw refused("a callout");
        }
        if (!takes("?")) {
            return closed(depth);
        }
        if (takes(":")) {
            return closed(depth);
        }
        if (peek() == '=' || peek() == '!') {
            boolean negative = next() == '!';
            return new RegexNode.Closed(closed(depth), 0, negative);
        }
        if (takes(">")) {
            RegexNode body = closed(depth);
            return new RegexNode.Closed(body, body.shortest(), false);
        }
        if (source.startsWith("<=", at) || source.startsWith("<!", at)) {
            at++;
            boolean negative = next() == '!';
            RegexNode body = closed(depth);
            if (!body.fixed()) {
                throw refused("a look back over something of no fixed length");
            }
            return new RegexNode.Closed(body, 0, negative);
        }
        if (takes("i:")) {
            return closed(depth);
        }
        if (at == 2 && takes("i)")) { // for the whole expression
            return new RegexNode.One(0);
        }
        throw refused("a group of a kind that is not supported");
    }

    private RegexNode closed(int depth) {
        RegexNode body = alternatives(depth + 1);
        if (!takes(")")) {
            throw refused("an opening bracket without a closing one");
        }
        return body;
    }

    private RegexNode escape() {
        int c = next();
        if (REFUSED.indexOf(c) >= 0) {
            throw refused("\\" + Character.toString(c) + ", which is not supported,");
        }
        return switch (c) {
            case 'b', 'B', 'A', 'Z', 'z' -> new RegexNode.One(0);
            default -> {
                argument(c);
                yield new RegexNode.One(1);
            }
        };
    }

    /** What belongs to an escaped letter: a property or the number of a character. */
    private void argument(int letter) {
        if (letter == 'p' || letter == 'P') {
            until('{', '}');
        } else if (letter == 'x' && peek() == '{') {
            until('{', '}');
        } else if (letter == 'x' || letter == 'u') {
            for (int i = letter == 'x' ? 2 : 4; i > 0; i--) {
                if (Character.digit(next(), 16) < 0) {
                    throw refused("no number behind \\" + Character.toString(letter));
                }
            }
        }
    }

    private void until(char first, char last) {
        int end = source.indexOf(last, at);
        if (peek() != first || end < 0) {
            throw refused("no " + first + "..." + last);
        }
        at = end + 1;
    }

    private RegexNode characterClass(int depth) {
        if (depth > DEEPEST) {
            throw refused("more than " + DEEPEST + " classes inside each other");
        }
        takes("^");
        if (peek() == ']') {
            throw refused("an empty class");
        }
        while (!takes("]")) {
            int c = next();
            if (c == '[') {
                if (peek() == ':') {
                    namedClass();
                } else {
                    characterClass(depth + 1);
                }
            } else if (c == '\\') {
                int letter = next();
                if (REFUSED.indexOf(letter) >= 0) {
                    throw refused("\\" + Character.toString(letter) + ", which is not supported,");
                }
                argument(letter);
            }
        }
        return new RegexNode.One(1);
    }

    /** As in {@code [[:alpha:]]}. */
    private void namedClass() {
        takes(":");
        takes("^");
        while (peek() >= 'a' && peek() <= 'z') {
            at++;
        }
        if (!takes(":]")) {
            throw refused("a class that is not [:name:]");
        }
    }

    private RegexNode repeated(RegexNode body) {
        RegexNode node = body;
        while (true) {
            int least;
            int most;
            boolean counted = false;
            if (takes("*")) {
                least = 0;
                most = Integer.MAX_VALUE;
            } else if (takes("+")) {
                least = 1;
                most = Integer.MAX_VALUE;
            } else if (takes("?")) {
                least = 0;
                most = 1;
            } else if (peek() == '{' && at + 1 < source.length() && "0123456789,".indexOf(source.charAt(at + 1)) >= 0) {
                at++;
                least = number(0);
                most = takes(",") ? number(Integer.MAX_VALUE) : least;
                counted = true;
                if (!takes("}") || least > most) {
                    throw refused("a repetition that is not {n}, {n,} or {n,m}");
                }
            } else {
                return node;
            }
            if (most == Integer.MAX_VALUE && node.shortest() == 0) {
                throw refused("an endless repetition of what may be empty");
            }
            node = new RegexNode.Repeat(node, least, most);
            if (!counted && takes("+")) {
                node = new RegexNode.Closed(node, node.shortest(), false);
            } else if (counted && takes("?")) { // {n}? may leave it out
                node = new RegexNode.Repeat(node, 0, 1);
            } else {
                takes("?"); // as few as possible
            }
        }
    }

    private int number(int otherwise) {
        int start = at;
        while (at < source.length() && Character.digit(source.charAt(at), 10) >= 0) {
            at++;
        }
        if (at == start) {
            return otherwise;
        }
        if (at - start > 6 || Integer.parseInt(source.substring(start, at)) > MOST_REPEATS) {
            throw refused("more than " + MOST_REPEATS + " repetitions");
        }
        return Integer.parseInt(source.substring(start, at));
    }
}
