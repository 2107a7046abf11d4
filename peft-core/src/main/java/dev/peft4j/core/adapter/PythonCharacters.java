package dev.peft4j.core.adapter;

import java.util.regex.PatternSyntaxException;

/** A regular expression of Python that is read from left to right, with what it is in Java: the characters, and classes of them. */
class PythonCharacters {
    final String python;
    final StringBuilder java = new StringBuilder();
    int at; // what is to be read next

    PythonCharacters(String python) {
        this.python = python;
    }

    final PatternSyntaxException error(String what) {
        return new PatternSyntaxException(what, python, at);
    }

    final boolean has(String text) {
        return python.startsWith(text, at);
    }

    final boolean take(String text) {
        if (has(text)) {
            at += text.length();
            return true;
        }
        return false;
    }

    final char next() {
        if (at >= python.length()) {
            throw error("it ends too early");
        }
        return python.charAt(at++);
    }

    final void literal(int c) {
        java.append("\\x{").append(Integer.toHexString(c)).append('}');
    }

    /** The character that an escape means. */
    final int character(char c) {
        return switch (c) {
            case 'a' -> 7;
            case 'f' -> '\f';
            case 'n' -> '\n';
            case 'r' -> '\r';
            case 't' -> '\t';
            case 'v' -> 11;
            case 'x' -> hex(2);
            case 'u' -> hex(4);
            case 'U' -> hex(8);
            case 'N' -> named();
            default -> plainOrOctal(c);
        };
    }

    private int plainOrOctal(char c) {
        if (c >= '0' && c <= '7') {
            int end = at;
            while (end < python.length() && end < at + 2 && python.charAt(end) >= '0' && python.charAt(end) <= '7') {
                end++;
            }
            int code = Integer.parseInt(python.substring(at - 1, end), 8);
            if (code > 255) {
                throw error("octal escape value outside of 0-0o377");
            }
            at = end;
            return code;
        }
        if (c == '8' || c == '9' || (c < 128 && Character.isLetter(c))) {
            throw error("bad escape \\" + c);
        }
        return c;
    }

    private int hex(int digits) {
        String text = python.substring(at, Math.min(python.length(), at + digits));
        if (!text.matches("[0-9a-fA-F]{" + digits + "}") || Long.parseLong(text, 16) > Character.MAX_CODE_POINT) {
            throw error("incomplete escape");
        }
        at += digits;
        return Integer.parseInt(text, 16);
    }

    private int named() {
        int end = python.indexOf('}', at);
        if (!take("{") || end < 0) {
            throw error("a character has no name");
        }
        try {
            int code = Character.codePointOf(python.substring(at, end));
            at = end + 1;
            return code;
        } catch (IllegalArgumentException e) {
            throw error("there is no character of this name");
        }
    }

    /** {@code [..]}: an opening bracket and {@code &&} have no meaning in Python, a closing one does not end an empty class. */
    final void characterClass() {
        java.append(take("^") ? "[^" : "[");
        boolean first = true;
        while (first || !take("]")) {
            first = false;
            int low = member();
            if (has("-") && !has("-]") && at + 1 < python.length()) {
                at++;
                int length = java.length();
                int high = member();
                java.setLength(length);
                if (low < 0 || high < low) {
                    throw error("bad character range");
                }
                java.append('-');
                literal(high);
            }
        }
        java.append(']');
    }

    /** A character of a class, or -1 for a class of characters. */
    private int member() {
        char c = next();
        int code = c;
        if (c == '\\') {
            char e = next();
            if ("dDsSwW".indexOf(e) >= 0) {
                java.append('\\').append(e);
                return -1;
            }
            code = e == 'b' ? '\b' : character(e);
        }
        literal(code);
        return code;
    }

    final int end(char closing) {
        int end = python.indexOf(closing, at);
        if (end < 0) {
            throw error("a group is not closed");
        }
        return end;
    }
}
