package dev.peft4j.models.metrics;

import java.util.ArrayList;
import java.util.List;

/** Texts as Python sees them, whose programs define the metrics: lower case, white space, and characters of words. */
final class PythonText {
    private static final int FINAL_SIGMA = 'ς';

    private PythonText() {}

    /**
     * As {@code str.lower()}. {@link String#toLowerCase()} takes other sigmas for the last of a word, and for many of them time that grows with the
     * square of their number.
     */
    static String lower(String text) {
        StringBuilder lower = new StringBuilder(text.length());
        int c;
        for (int i = 0; i < text.length(); i += Character.charCount(c)) {
            c = text.codePointAt(i);
            if (c == 'Σ') {
                lower.appendCodePoint(isLastOfWord(text, i) ? FINAL_SIGMA : 'σ');
            } else if (c == 'İ') {
                lower.append("i\u0307"); // the only letter that becomes two
            } else {
                lower.appendCodePoint(Character.toLowerCase(c));
            }
        }
        return lower.toString();
    }

    /** Unicode's condition Final_Sigma: a letter with a case in front, none behind, whatever has no case between. */
    private static boolean isLastOfWord(String text, int at) {
        int before = at;
        while (before > 0 && isCaseIgnorable(text.codePointBefore(before))) {
            before -= Character.charCount(text.codePointBefore(before));
        }
        if (before == 0 || !isCased(text.codePointBefore(before))) {
            return false;
        }
        int behind = at + 1;
        while (behind < text.length() && isCaseIgnorable(text.codePointAt(behind))) {
            behind += Character.charCount(text.codePointAt(behind));
        }
        return behind == text.length() || !isCased(text.codePointAt(behind));
    }

    private static boolean isCased(int c) {
        return Character.isLowerCase(c) || Character.isUpperCase(c) || Character.isTitleCase(c);
    }

    /** Unicode's property Case_Ignorable. */
    private static boolean isCaseIgnorable(int c) {
        return switch (Character.getType(c)) {
            case Character.NON_SPACING_MARK,
                    Character.ENCLOSING_MARK,
                    Character.FORMAT,
                    Character.MODIFIER_LETTER,
                    Character.MODIFIER_SYMBOL -> true;
            default -> "'.:·‘’․‧﹒﹕＇．：\u0387\u055F\u05F4\uFE13".indexOf(c) >= 0; // within words
        };
    }

    /** As {@code str.isspace()}. */
    static boolean isSpace(char c) {
        return (c >= '\t' && c <= '\r')
                || (c >= '\u001c' && c <= ' ')
                || c == '\u0085'
                || (c > '\u007f' && Character.isSpaceChar(c));
    }

    /** As {@code str.split()}: what stands between white space. */
    static List<String> split(String text) {
        List<String> parts = new ArrayList<>();
        int from = -1;
        for (int i = 0; i <= text.length(); i++) {
            boolean space = i == text.length() || isSpace(text.charAt(i));
            if (space && from >= 0) {
                parts.add(text.substring(from, i));
                from = -1;
            } else if (!space && from < 0) {
                from = i;
            }
        }
        return parts;
    }

    /** As {@code str.rstrip()}. */
    static String stripEnd(String text) {
        int end = text.length();
        while (end > 0 && isSpace(text.charAt(end - 1))) {
            end--;
        }
        return text.substring(0, end);
    }

    /** As {@code \w} of a pattern of Python: letters, numbers and the underscore, but no marks. */
    static boolean isWord(int c) {
        int type = Character.getType(c);
        return c == '_'
                || Character.isLetterOrDigit(c)
                || type == Character.LETTER_NUMBER
                || type == Character.OTHER_NUMBER;
    }
}
