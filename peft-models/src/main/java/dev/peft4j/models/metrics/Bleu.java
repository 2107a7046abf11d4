package dev.peft4j.models.metrics;

import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.error.StoppedException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * BLEU of generated texts against reference texts: {@code brevity penalty · (p₁ p₂ p₃ p₄)^¼}, pₙ being the share of sequences of n tokens that a reference has
 * too, over all texts. Equal to sacrebleu with its defaults: tokenizer 13a, case kept, and where no sequence of n tokens is shared, the k-th such n counts as
 * {@code 1 / 2ᵏ} of one.
 *
 * <p>Papineni et al. 2002, <a href="https://aclanthology.org/P02-1040">paper</a>; Post 2018, <a href="https://aclanthology.org/W18-6319">sacrebleu</a>; Chen and
 * Cherry 2014, <a href="https://aclanthology.org/W14-3346">smoothing</a>, method 3. It is a measure of a whole corpus: without four tokens in a row in any text it is 0.
 *
 * @param score from 0 to 100
 * @param precisions of 1, 2, 3 and 4 tokens, from 0 to 100; zeros if not one token is shared
 * @param brevityPenalty {@code e^(1 - referenceLength / length)} where texts are too short, else 1
 * @param length tokens of the generated texts
 * @param referenceLength tokens of the references, of each text that which comes closest in length
 */
public record Bleu(double score, List<Double> precisions, double brevityPenalty, long length, long referenceLength) {
    private static final int LONGEST = 4;

    /** Takes a copy of the list. */
    public Bleu {
        precisions = List.copyOf(precisions);
    }

    /**
     * Compares texts.
     *
     * @param predicted texts
     * @param references one or several for each text, in the same order
     * @throws BadInputException if there are no texts, the lengths differ or a text has no reference
     */
    public static Bleu of(List<String> predicted, List<List<String>> references) {
        Inputs.requireReferences(predicted, references);
        Sums sums = new Sums();
        for (int i = 0; i < predicted.size(); i++) {
            int at = i;
            StoppedException.ifInterrupted(
                    () -> "BLEU of " + predicted.size() + " texts was asked for, " + at + " were read");
            sums.add(predicted.get(i), references.get(i));
        }
        return sums.score();
    }

    /** Over all texts. */
    private static final class Sums {
        private final long[] shared = new long[LONGEST];
        private final long[] total = new long[LONGEST];
        private long length;
        private long referenceLength;

        void add(String predicted, List<String> references) {
            Map<String, Integer> words = new HashMap<>();
            List<int[]> tokens = new ArrayList<>(); // of the text, and of its references
            int[] text = numbers(predicted, words);
            tokens.add(text);
            int closest = Integer.MAX_VALUE;
            for (String reference : references) {
                int[] other = numbers(reference, words);
                tokens.add(other);
                int nearer = Integer.compare(Math.abs(other.length - text.length), Math.abs(closest - text.length));
                closest = nearer < 0 || (nearer == 0 && other.length < closest) ? other.length : closest;
            }
            length += text.length;
            referenceLength += closest;
            List<int[]> grams = tokens;
            count(0, grams, words.size());
            for (int n = 1; n < LONGEST; n++) {
                Map<Long, Integer> numbers = new HashMap<>();
                List<int[]> longer = new ArrayList<>();
                for (int i = 0; i < tokens.size(); i++) {
                    longer.add(longer(grams.get(i), tokens.get(i), n, numbers));
                }
                grams = longer;
                count(n, grams, numbers.size());
            }
        }

        /** A number for each different token. */
        private static int[] numbers(String text, Map<String, Integer> words) {
            return BleuTokens.of(text).stream()
                    .mapToInt(token -> number(token, words))
                    .toArray();
        }

        /** With one token more: a number for each different pair of a sequence, by its number, and a token. */
        private static int[] longer(int[] grams, int[] tokens, int behind, Map<Long, Integer> numbers) {
            int[] longer = new int[Math.max(0, tokens.length - behind)];
            for (int i = 0; i < longer.length; i++) {
                longer[i] = number((long) grams[i] << Integer.SIZE | tokens[i + behind], numbers);
            }
            return longer;
        }

        private static <T> int number(T key, Map<T, Integer> numbers) {
            Integer known = numbers.putIfAbsent(key, numbers.size());
            return known == null ? numbers.size() - 1 : known;
        }

        /**
         * Each sequence counts as often as the reference has it that has it most often.
         *
         * @param grams of the text, and of its references
         * @param different how many different ones there are
         */
        private void count(int n, List<int[]> grams, int different) {
            int[] most = new int[different];
            int[] times = new int[different];
            for (int[] other : grams.subList(1, grams.size())) {
                for (int gram : other) {
                    most[gram] = Math.max(most[gram], ++times[gram]);
                }
                for (int gram : other) {
                    times[gram] = 0;
                }
            }
            for (int gram : grams.get(0)) {
                total[n]++;
                shared[n] += most[gram]-- > 0 ? 1 : 0;
            }
        }

        Bleu score() {
            double penalty =
                    length >= referenceLength ? 1 : length == 0 ? 0 : Math.exp(1 - (double) referenceLength / length);
            List<Double> precisions = new ArrayList<>();
            double logarithms = 0;
            double smooth = 1;
            for (int n = 0; n < LONGEST; n++) {
                double precision = 0;
                if (shared[0] > 0 && total[n] > 0) {
                    smooth *= shared[n] == 0 ? 2 : 1;
                    precision = 100 * (shared[n] == 0 ? 1 / smooth : shared[n]) / total[n];
                }
                precisions.add(precision);
                logarithms += Math.log(precision); // of 0 is minus infinity, whose power is 0
            }
            return new Bleu(penalty * Math.exp(logarithms / LONGEST), precisions, penalty, length, referenceLength);
        }
    }
}
