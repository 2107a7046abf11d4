package dev.peft4j.models.jinja;

import dev.peft4j.core.error.BadInputException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Set;

/**
 * Cuts the source of a template into tokens, by the rules of Jinja with {@code trim_blocks} and {@code lstrip_blocks}: a line break behind a block is left
 * out, and so is the white space in front of a block that begins a line; {@code -} takes all white space of its side, {@code +} keeps it.
 */
final class Lexer {
    private static final Set<String> LONG_OPERATORS = Set.of("//", "**", "==", "!=", ">=", "<=");
    private static final int LONGEST_NAME = 1000;
    private static final String OPERATORS = "+-/*%~[](){}=<>.:|,;";

    private final String source;
    private final List<Token> tokens = new ArrayList<>();
    private int at;
    private int line = 1;
    private boolean lineStarts = true; // whether what came last ended in a line break

    private Lexer(String source) {
        this.source = source;
    }

    /**
     * The tokens of a template, the last of which is its end.
     *
     * @throws BadInputException with the line, if it is not written as a template is
     */
    static List<Token> tokens(String template) {
        String lines = template.replace("\r\n", "\n").replace('\r', '\n');
        Lexer lexer = new Lexer(lines.endsWith("\n") ? lines.substring(0, lines.length() - 1) : lines);
        lexer.read();
        return lexer.tokens;
    }

    private BadInputException bad(String problem) {
        return SourceText.bad(line, problem);
    }

    private void add(Token.Kind kind, String text) {
        tokens.add(new Token(kind, text, line));
    }

    private void read() {
        while (at < source.length()) {
            int tag = nextTag();
            if (tag < 0) {
                data(source.length(), ' ', false);
                break;
            }
            char sign = tag + 2 < source.length() ? source.charAt(tag + 2) : ' ';
            char kind = source.charAt(tag + 1);
            data(tag, sign, kind != '{');
            at = tag + (sign == '-' || sign == '+' ? 3 : 2);
            if (kind == '#') {
                comment();
            } else if (kind == '{') {
                add(Token.Kind.PRINT_BEGIN, "{{");
                expression("}}", Token.Kind.PRINT_END);
            } else if (isWord("raw", at)) {
                raw();
            } else {
                add(Token.Kind.BLOCK_BEGIN, "{%");
                expression("%}", Token.Kind.BLOCK_END);
            }
        }
        add(Token.Kind.END, "");
    }

    private int nextTag() {
        for (int i = source.indexOf('{', at); i >= 0 && i + 1 < source.length(); i = source.indexOf('{', i + 1)) {
            if ("{%#".indexOf(source.charAt(i + 1)) >= 0) {
                return i;
            }
        }
        return -1;
    }

    /** The text up to a tag, without the white space that the tags beside it take. */
    private void data(int end, char sign, boolean isBlock) {
        String text = source.substring(at, end);
        String kept = text;
        if (sign == '-') {
            kept = Characters.stripEnd(text);
        } else if (isBlock && sign != '+') {
            int begin = text.lastIndexOf('\n') + 1;
            if ((begin > 0 || lineStarts) && text.substring(begin).chars().allMatch(Characters::isSpace)) {
                kept = text.substring(0, begin);
            }
        }
        if (!kept.isEmpty()) {
            add(Token.Kind.DATA, kept);
        }
        passed(text);
        at = end;
    }

    private void passed(String text) {
        line += (int) text.chars().filter(c -> c == '\n').count();
        lineStarts = text.isEmpty() ? lineStarts : text.endsWith("\n");
    }

    /** Goes behind the end of a tag and the white space that it takes; the sign stands in front of it. */
    private void endTag(char sign, int behind, boolean trims) {
        int to = behind;
        if (sign == '-') {
            to = skipSpace(behind);
        } else if (sign != '+' && trims && to < source.length() && source.charAt(to) == '\n') {
            to++;
        }
        String text = source.substring(behind - 2, to);
        at = to;
        passed(text);
    }

    private int skipSpace(int from) {
        int to = from;
        while (to < source.length() && Characters.isSpace(source.charAt(to))) {
            to++;
        }
        return to;
    }

    private void comment() {
        int end = source.indexOf("#}", at);
        if (end < 0) {
            throw bad("a comment begins ({#) that does not end (#})");
        }
        char sign = end > at ? source.charAt(end - 1) : ' ';
        passed(source.substring(at, end));
        endTag(sign, end + 2, true);
    }

    private boolean isWord(String word, int from) {
        int begin = skipSpace(from);
        if (!source.startsWith(word, begin)) {
            return false;
        }
        int end = skipSpace(begin + word.length());
        return source.startsWith("%}", end) || source.startsWith("-%}", end) || source.startsWith("+%}", end);
    }

    /** What stands between {@code {% raw %}} and {@code {% endraw %}} is text, whatever it is. */
    private void raw() {
        int end = source.indexOf("%}", at);
        char sign = source.charAt(end - 1);
        passed(source.substring(at, end));
        endTag(sign, end + 2, false);
        int close = source.indexOf("{%", at);
        while (close >= 0 && !isWord("endraw", behindSign(close + 2))) {
            close = source.indexOf("{%", close + 2);
        }
        if (close < 0) {
            throw bad("raw text begins ({% raw %}) that does not end ({% endraw %})");
        }
        data(close, behindSign(close + 2) > close + 2 ? source.charAt(close + 2) : ' ', true);
        int last = source.indexOf("%}", close + 2);
        passed(source.substring(close, last));
        endTag(source.charAt(last - 1), last + 2, true);
    }

    private int behindSign(int from) {
        return from < source.length() && "+-".indexOf(source.charAt(from)) >= 0 ? from + 1 : from;
    }

    /** Tokens up to the end of a tag, which does not stand between brackets. */
    private void expression(String end, Token.Kind kind) {
        Deque<Character> brackets = new ArrayDeque<>();
        boolean isBlock = kind == Token.Kind.BLOCK_END;
        while (true) {
            int begin = skipSpace(at);
            passed(source.substring(at, begin));
            at = begin;
            if (at >= source.length()) {
                throw bad("a tag begins that does not end (" + end + ")");
            }
            char sign = source.charAt(at);
            boolean signed = sign == '-' || (sign == '+' && isBlock);
            if (brackets.isEmpty() && source.startsWith(end, signed ? at + 1 : at)) {
                add(kind, end);
                endTag(signed ? sign : ' ', at + (signed ? 3 : 2), isBlock);
                return;
            }
            token(brackets);
        }
    }

    private void token(Deque<Character> brackets) {
        char c = source.charAt(at);
        int from = at;
        if (c == '\'' || c == '"') {
            text(c);
        } else if (c >= '0' && c <= '9') {
            number();
        } else if (Characters.isWord(source.codePointAt(at))) {
            int to = at;
            while (to < source.length() && Characters.isWord(source.codePointAt(to))) {
                to += Character.charCount(source.codePointAt(to));
            }
            if (to - at > LONGEST_NAME) {
                throw bad("a name has more than " + LONGEST_NAME + " characters");
            }
            add(Token.Kind.NAME, source.substring(at, to));
            at = to;
        } else {
            boolean two = at + 1 < source.length() && LONG_OPERATORS.contains(source.substring(at, at + 2));
            if (!two && OPERATORS.indexOf(c) < 0) {
                throw bad("the character '" + Character.toString(source.codePointAt(at)) + "' stands in a tag");
            }
            balance(brackets, c);
            add(Token.Kind.OPERATOR, source.substring(at, at + (two ? 2 : 1)));
            at += two ? 2 : 1;
        }
        lineStarts = source.charAt(Math.max(from, at - 1)) == '\n';
    }

    private void balance(Deque<Character> brackets, char c) {
        int open = "([{".indexOf(c);
        if (open >= 0) {
            brackets.push(")]}".charAt(open));
        } else if (")]}".indexOf(c) >= 0 && (brackets.isEmpty() || brackets.pop() != c)) {
            throw bad("'" + c + "' closes a bracket that was not opened");
        }
    }

    private void number() {
        NumberText number = NumberText.at(source, at);
        if (number.end() < source.length() && Characters.isWord(source.codePointAt(number.end()))) {
            throw bad("the number '" + number.text() + "' goes on with letters");
        }
        add(number.isFraction() ? Token.Kind.FRACTION : Token.Kind.WHOLE, number.text());
        at = number.end();
    }

    private void text(char quote) {
        int to = at + 1;
        while (to < source.length() && source.charAt(to) != quote) {
            to += source.charAt(to) == '\\' ? 2 : 1;
        }
        if (to >= source.length()) {
            throw bad("a text begins (" + quote + ") that does not end");
        }
        String written = source.substring(at + 1, to);
        add(Token.Kind.TEXT, Escapes.read(written, this::bad));
        line += (int) written.chars().filter(c -> c == '\n').count();
        at = to + 1;
    }
}
