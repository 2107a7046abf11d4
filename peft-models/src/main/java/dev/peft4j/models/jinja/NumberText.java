package dev.peft4j.models.jinja;

/**
 * A number in a template: {@code 12}, {@code 1_000}, {@code 1.5}, {@code 1e3}.
 *
 * @param text without underscores
 * @param end place behind it
 */
record NumberText(String text, int end, boolean isFraction) {
    static NumberText at(String source, int begin) {
        int end = digits(source, begin);
        boolean fraction = false;
        boolean isItem = begin > 0 && source.charAt(begin - 1) == '.'; // a.0.1 are two items
        if (!isItem && end + 1 < source.length() && source.charAt(end) == '.' && isDigit(source.charAt(end + 1))) {
            end = digits(source, end + 1);
            fraction = true;
        }
        if (!isItem && end < source.length() && (source.charAt(end) | 0x20) == 'e') {
            int power = end + 1;
            if (power < source.length() && "+-".indexOf(source.charAt(power)) >= 0) {
                power++;
            }
            if (power < source.length() && isDigit(source.charAt(power))) {
                end = digits(source, power);
                fraction = true;
            }
        }
        return new NumberText(source.substring(begin, end).replace("_", ""), end, fraction);
    }

    private static int digits(String source, int begin) {
        int end = begin;
        while (end < source.length()
                && (isDigit(source.charAt(end))
                        || (source.charAt(end) == '_'
                                && end + 1 < source.length()
                                && isDigit(source.charAt(end + 1))))) {
            end++;
        }
        return end;
    }

    private static boolean isDigit(char c) {
        return c >= '0' && c <= '9';
    }
}
