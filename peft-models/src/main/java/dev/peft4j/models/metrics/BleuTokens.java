package dev.peft4j.models.metrics;

import java.util.List;
import java.util.regex.Pattern;

/** The tokenizer of mteval-v13a, which sacrebleu calls 13a: punctuation stands apart, but within numbers. */
final class BleuTokens {
    private static final Pattern SYMBOL = Pattern.compile("([{-~\\[-` -&(-+:-@/])");
    private static final Pattern POINT_NOT_BEHIND_DIGIT = Pattern.compile("([^0-9])([.,])");
    private static final Pattern POINT_NOT_BEFORE_DIGIT = Pattern.compile("([.,])([^0-9])");
    private static final Pattern DASH_BEHIND_DIGIT = Pattern.compile("([0-9])(-)");

    private BleuTokens() {}

    static List<String> of(String text) {
        String line = PythonText.stripEnd(text)
                .replace("<skipped>", "")
                .replace("-\n", "")
                .replace('\n', ' ')
                .replace("&quot;", "\"")
                .replace("&amp;", "&")
                .replace("&lt;", "<")
                .replace("&gt;", ">");
        line = SYMBOL.matcher(" " + line + " ").replaceAll(" $1 ");
        line = POINT_NOT_BEHIND_DIGIT.matcher(line).replaceAll("$1 $2 ");
        line = POINT_NOT_BEFORE_DIGIT.matcher(line).replaceAll(" $1 $2");
        line = DASH_BEHIND_DIGIT.matcher(line).replaceAll("$1 $2 ");
        return PythonText.split(line);
    }
}
