package dev.peft4j.models.metrics;

import dev.peft4j.core.error.BadInputException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * How well questions were answered, by the rules of SQuAD: the best over several right answers, without regard to case, ASCII punctuation, white space and
 * the articles a, an and the. The official scripts print 100 times these values.
 *
 * <p>Rajpurkar et al. 2016, <a href="https://arxiv.org/abs/1606.05250">SQuAD</a>, section 6.1; 2018, <a href="https://arxiv.org/abs/1806.03822">SQuAD 2.0</a>.
 *
 * @param all questions
 * @param answerable questions that have an answer
 * @param unanswerable questions that have none
 */
public record AnswerMetrics(Group all, Group answerable, Group unanswerable) {
    private static final Set<String> ARTICLES = Set.of("a", "an", "the");

    /**
     * Means over some of the questions.
     *
     * @param questions how many they are
     * @param exactMatch share of them that were answered as expected, from 0 to 1; NaN if there are none
     * @param f1 mean of how much of the words of answer and expected answer is the same, from 0 to 1; NaN if there are none
     */
    public record Group(int questions, double exactMatch, double f1) {}

    /** What one prediction is worth. */
    private record Score(int exact, double f1) {}

    /**
     * As the script of SQuAD 1.1, for questions that all have an answer.
     *
     * @param answers the right answers of each question, one or several
     * @param predicted answer to each question, in the same order
     * @throws BadInputException if there are no questions, the lengths differ or a question has no answer
     */
    public static AnswerMetrics squad1(List<List<String>> answers, List<String> predicted) {
        Inputs.requirePairs("answers", answers.size(), predicted.size());
        List<Score> scores = new ArrayList<>();
        for (int i = 0; i < answers.size(); i++) {
            if (answers.get(i).isEmpty()) {
                throw new BadInputException("answers were to be compared by the rules of SQuAD 1.1, and question " + i
                        + " has no right one. Give one, or use the rules of SQuAD 2.0, where it may have none.");
            }
            scores.add(best(answers.get(i).stream().map(AnswerMetrics::words).toList(), predicted.get(i), 0));
        }
        return new AnswerMetrics(mean(scores), mean(scores), mean(List.of()));
    }

    /**
     * As the script of SQuAD 2.0, for questions of which some have no answer.
     *
     * @param answers the right answers of each question; an empty list where there is none
     * @param predicted answer to each question, in the same order; empty for none
     * @throws BadInputException if there are no questions or the lengths differ
     */
    public static AnswerMetrics squad2(List<List<String>> answers, List<String> predicted) {
        Inputs.requirePairs("answers", answers.size(), predicted.size());
        List<Score> all = new ArrayList<>();
        List<Score> answerable = new ArrayList<>();
        List<Score> unanswerable = new ArrayList<>();
        for (int i = 0; i < answers.size(); i++) {
            List<List<String>> right = answers.get(i).stream()
                    .map(AnswerMetrics::words)
                    .filter(words -> !words.isEmpty())
                    .toList();
            Score score = best(right.isEmpty() ? List.of(List.of()) : right, predicted.get(i), 1);
            all.add(score);
            (answers.get(i).isEmpty() ? unanswerable : answerable).add(score);
        }
        return new AnswerMetrics(mean(all), mean(answerable), mean(unanswerable));
    }

    /**
     * The best over all right answers.
     *
     * @param f1OfNothing where neither answer has words: 0 in the first script, 1 in the second
     */
    private static Score best(List<List<String>> right, String prediction, double f1OfNothing) {
        List<String> words = words(prediction);
        Map<String, Integer> counts = counts(words);
        int exact = 0;
        double f1 = 0;
        for (List<String> answer : right) {
            exact = answer.equals(words) ? 1 : exact;
            f1 = Math.max(f1, answer.isEmpty() && words.isEmpty() ? f1OfNothing : f1(answer, words.size(), counts));
        }
        return new Score(exact, f1);
    }

    /** {@code 2·same / (expected + predicted)} words, each counted as often as both have it. */
    private static double f1(List<String> answer, int words, Map<String, Integer> counts) {
        int same = 0;
        for (Map.Entry<String, Integer> word : counts(answer).entrySet()) {
            same += Math.min(word.getValue(), counts.getOrDefault(word.getKey(), 0));
        }
        return same == 0 ? 0 : 2.0 * same / ((double) answer.size() + words);
    }

    private static Map<String, Integer> counts(List<String> words) {
        Map<String, Integer> counts = new HashMap<>();
        words.forEach(w -> counts.merge(w, 1, Integer::sum));
        return counts;
    }

    /** An article is a whole word, also beside what is no character of words, and leaves a space. */
    static List<String> words(String text) {
        String plain = withoutPunctuation(PythonText.lower(text));
        StringBuilder kept = new StringBuilder(plain.length());
        int from = 0; // of the word
        for (int i = 0; i <= plain.length(); ) {
            int c = i == plain.length() ? ' ' : plain.codePointAt(i);
            if (!PythonText.isWord(c)) {
                String word = plain.substring(from, i);
                kept.append(ARTICLES.contains(word) ? " " : word).appendCodePoint(c);
                from = i + Character.charCount(c);
            }
            i += Character.charCount(c);
        }
        return PythonText.split(kept.toString());
    }

    /** Without that of ASCII. */
    private static String withoutPunctuation(String text) {
        StringBuilder kept = new StringBuilder(text.length());
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c <= ' ' || c >= '\u007f' || Character.isLetterOrDigit(c)) {
                kept.append(c);
            }
        }
        return kept.toString();
    }

    private static Group mean(List<Score> scores) {
        double exact = scores.stream().mapToInt(Score::exact).sum();
        double f1 = scores.stream().mapToDouble(Score::f1).sum();
        return new Group(scores.size(), exact / scores.size(), f1 / scores.size());
    }
}
