package dev.peft4j.models.jinja;

import dev.peft4j.core.error.BadInputException;
import java.util.function.Function;

/** Texts in quotes, with the escapes of Python. */
final class Escapes {
    private static final String SHORT = "ntr\\'\"abfv\n";
    private static final String MEANT = "\n\t\r\\'\"\u0007\b\f\u000b";

    private Escapes() {}

    static String read(String written, Function<String, BadInputException> bad) {
        if (written.indexOf('\\') < 0) {
            return written;
        }
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < written.length(); i++) {
            char c = written.charAt(i);
            if (c != '\\' || i + 1 == written.length()) {
                text.append(c);
                continue;
            }
            char kind = written.charAt(++i);
            int known = SHORT.indexOf(kind);
            int digits = kind == 'x' ? 2 : kind == 'u' ? 4 : kind == 'U' ? 8 : 0;
            if (known >= 0) {
                text.append(known < MEANT.length() ? String.valueOf(MEANT.charAt(known)) : ""); // a line goes on
            } else if (digits > 0) {
                text.appendCodePoint(hex(written, i + 1, digits, bad));
                i += digits;
            } else if (kind >= '0' && kind <= '7') {
                int end = i + 1;
                while (end < written.length()
                        && end < i + 3
                        && written.charAt(end) >= '0'
                        && written.charAt(end) <= '7') {
                    end++;
                }
                text.appendCodePoint(Integer.parseInt(written.substring(i, end), 8));
                i = end - 1;
            } else {
                text.append(c).append(kind);
            }
        }
        return text.toString();
    }

    private static int hex(String written, int from, int digits, Function<String, BadInputException> bad) {
        int value = 0;
        for (int i = from; i < from + digits; i++) {
            int digit = i < written.length() ? Character.digit(written.charAt(i), 16) : -1;
            if (digit < 0 || value > Character.MAX_CODE_POINT) {
                throw bad.apply("an escape of a text has no " + digits + " hexadecimal digits");
            }
            value = value * 16 + digit;
        }
        if (!Character.isValidCodePoint(value) || (value >= 0xD800 && value <= 0xDFFF)) {
            throw bad.apply("an escape of a text names no character");
        }
        return value;
    }
}
