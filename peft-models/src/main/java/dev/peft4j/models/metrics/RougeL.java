package dev.peft4j.models.metrics;

import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.error.StoppedException;
import java.util.ArrayList;
import java.util.List;

/**
 * ROUGE-L of generated texts against reference texts, by their longest common subsequence of tokens; means over the texts. Equal to rougeL of rouge_score with
 * its default tokenizer, which knows ASCII letters and digits only, and without a stemmer; of several references that of the best F1 counts.
 *
 * <p>Lin 2004, <a href="https://aclanthology.org/W04-1013">paper</a>, section 3.1. A text without tokens scores 0.
 *
 * @param precision length of the subsequence as a share of the generated text, from 0 to 1
 * @param recall length of the subsequence as a share of the reference, from 0 to 1
 * @param f1 harmonic mean of both for each text, from 0 to 1; what is called ROUGE-L
 */
public record RougeL(double precision, double recall, double f1) {
    /**
     * Compares texts.
     *
     * @param predicted texts
     * @param references one or several for each text, in the same order
     * @throws BadInputException if there are no texts, the lengths differ or a text has no reference
     */
    public static RougeL of(List<String> predicted, List<List<String>> references) {
        Inputs.requireReferences(predicted, references);
        double precision = 0;
        double recall = 0;
        double f1 = 0;
        for (int i = 0; i < predicted.size(); i++) {
            int at = i;
            StoppedException.ifInterrupted(
                    () -> "ROUGE-L of " + predicted.size() + " texts was asked for, " + at + " were read");
            RougeL best = best(tokens(predicted.get(i)), references.get(i));
            precision += best.precision;
            recall += best.recall;
            f1 += best.f1;
        }
        int n = predicted.size();
        return new RougeL(precision / n, recall / n, f1 / n);
    }

    private static RougeL best(List<String> text, List<String> references) {
        CommonTokens common = new CommonTokens(text);
        RougeL best = new RougeL(0, 0, 0);
        for (String reference : references) {
            List<String> other = tokens(reference);
            int length = common.with(other);
            double f1 = length == 0 ? 0 : 2.0 * length / ((double) text.size() + other.size());
            if (f1 > best.f1) {
                best = new RougeL((double) length / text.size(), (double) length / other.size(), f1);
            }
        }
        return best;
    }

    static List<String> tokens(String text) {
        String lower = PythonText.lower(text);
        List<String> tokens = new ArrayList<>();
        int from = 0;
        for (int i = 0; i <= lower.length(); i++) {
            char c = i == lower.length() ? ' ' : lower.charAt(i);
            if ((c < 'a' || c > 'z') && (c < '0' || c > '9')) {
                if (i > from) {
                    tokens.add(lower.substring(from, i));
                }
                from = i + 1;
            }
        }
        return tokens;
    }
}
