package dev.peft4j.run;

import dev.peft4j.models.data.AnswerEncoder;
import java.util.List;

/**
 * The part of a text that a model finds most probable as an answer.
 *
 * @param begin its first character
 * @param end behind its last character
 * @param score by how much the model prefers it to no answer: the sum of the outputs of its first and last token, less that of the first token of all
 */
public record BestSpan(int begin, int end, double score) {
    private static final int MOST_TOKENS = 30; // of an answer, as in transformers' run_qa

    /**
     * Searches the parts of a text; it has no answer if none of its parts has one.
     *
     * @param text of the parts
     * @param windows the parts
     * @param outputs of each part, a row of two for each of its tokens
     */
    public static BestSpan of(String text, List<AnswerEncoder.Window> windows, List<double[][]> outputs) {
        double none = Double.POSITIVE_INFINITY;
        double best = Double.NEGATIVE_INFINITY;
        int begin = 0;
        int end = 0;
        for (int i = 0; i < windows.size(); i++) {
            AnswerEncoder.Window w = windows.get(i);
            double[][] z = outputs.get(i);
            none = Math.min(none, z[0][0] + z[0][1]);
            int n = w.begins().length;
            for (int first = 0; first < n; first++) {
                for (int last = first; last < Math.min(n, first + MOST_TOKENS); last++) {
                    double score = z[w.contextAt() + first][0] + z[w.contextAt() + last][1];
                    if (score > best) {
                        best = score;
                        begin = w.begins()[first];
                        end = w.ends()[last];
                    }
                }
            }
        }
        while (begin < end && Character.isWhitespace(text.charAt(begin))) { // which tokens of some tokenizers have
            begin++;
        }
        while (begin < end && Character.isWhitespace(text.charAt(end - 1))) {
            end--;
        }
        return new BestSpan(begin, end, best - none);
    }
}
