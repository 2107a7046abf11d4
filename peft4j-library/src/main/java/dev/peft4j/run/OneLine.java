package dev.peft4j.run;

/** Texts of records as they are shown: on one line, not longer than is read, without characters that a console or a page would act on. */
final class OneLine {
    private static final String CUT = " ...";
    private static final String JOINERS = "\u200c\u200d"; // within words, and within characters of several parts

    private OneLine() {}

    /**
     * A text on one line: white space, controls and marks of direction become single spaces, halves of characters the replacement character.
     *
     * @param most characters; what is cut off is marked
     */
    static String of(String text, int most) {
        StringBuilder line = new StringBuilder();
        boolean space = false;
        for (int i = 0; i < text.length(); ) {
            int c = text.codePointAt(i);
            i += Character.charCount(c);
            if (isSpace(c)) {
                space = line.length() > 0;
            } else if (line.length() >= most) {
                return line + CUT;
            } else {
                line.append(space ? " " : "");
                space = false;
                line.appendCodePoint(Character.getType(c) == Character.SURROGATE ? '\ufffd' : c);
            }
        }
        return line.toString();
    }

    private static boolean isSpace(int c) {
        int type = Character.getType(c);
        return Character.isWhitespace(c)
                || Character.isSpaceChar(c)
                || type == Character.CONTROL
                || (type == Character.FORMAT && JOINERS.indexOf(c) < 0);
    }
}
