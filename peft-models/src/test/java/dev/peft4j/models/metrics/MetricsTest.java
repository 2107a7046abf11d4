package dev.peft4j.models.metrics;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.peft4j.core.error.StoppedException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Values that can be checked by eye, and what large and hostile inputs cost. */
class MetricsTest {
    @Test
    void a_class_that_never_occurs_counts_as_zeros() {
        ClassMetrics m = ClassMetrics.of(new int[] {0, 0, 1}, new int[] {0, 1, 1}, 3);
        assertEquals(
                List.of(new Scores(1, 0.5, 2 / 3.0, 2), new Scores(0.5, 1, 2 / 3.0, 1), new Scores(0, 0, 0, 0)),
                m.perClass());
        assertEquals(4 / 9.0, m.macroF1(), 1e-15);
        assertEquals(2 / 3.0, m.weightedF1(), 1e-15);
        assertEquals(0.5, m.matthews(), 1e-15); // as of two classes: (1·1 - 0·1) / √(1·2·1·2)
        assertArrayEquals(new int[][] {{1, 1, 0}, {0, 1, 0}, {0, 0, 0}}, m.confusion());
    }

    @Test
    void a_million_classes_take_no_matrix() {
        ClassMetrics m = ClassMetrics.of(new int[] {999_999}, new int[] {5}, 1_000_000);
        assertEquals(List.of(new ClassMetrics.Cell(999_999, 5, 1)), m.cells());
        assertEquals(0, m.accuracy());
    }

    @Test
    void sequences_without_entities_score_zero_and_without_tokens_have_no_accuracy() {
        EntityMetrics none = EntityMetrics.of(List.of(List.of("O")), List.of(List.of("O")));
        assertEquals(new EntityMetrics(1, zeros(), zeros(), zeros(), Collections.emptySortedMap()), none);
        assertEquals(
                Double.NaN,
                EntityMetrics.of(List.of(List.of()), List.of(List.of())).tokenAccuracy());
    }

    private static Scores zeros() {
        return new Scores(0, 0, 0, 0);
    }

    @Test
    void an_answer_is_right_without_its_article_and_the_best_of_several_counts() {
        AnswerMetrics m = AnswerMetrics.squad2(
                List.of(List.of("The Cat.", "a black cat"), List.of(), List.of("Rome")), List.of("cat", "", ""));
        assertEquals(new AnswerMetrics.Group(3, 2 / 3.0, 2 / 3.0), m.all());
        assertEquals(new AnswerMetrics.Group(2, 0.5, 0.5), m.answerable());
        assertEquals(new AnswerMetrics.Group(1, 1, 1), m.unanswerable());
    }

    /** As the paper has it: 2 of 7 words are allowed by the first reference. */
    @Test
    void a_word_counts_as_often_as_one_reference_has_it() {
        Bleu bleu = Bleu.of(
                List.of("the the the the the the the"),
                List.of(List.of("the cat is on the mat", "there is a cat on the mat")));
        assertEquals(200 / 7.0, bleu.precisions().get(0), 1e-12);
        assertEquals(100 / 12.0, bleu.precisions().get(1), 1e-12); // the first that is 0 of 6: half of one
        assertEquals(7, bleu.referenceLength());
        assertEquals(1, bleu.brevityPenalty());
    }

    @Test
    void of_equally_similar_candidates_the_relevant_one_is_last() {
        Retrieval m = Retrieval.of(new double[][] {{0.5, 0.5, 0.5, 0.1}, {0.1, 0.2, 0.3, 0.4}}, new int[] {0, 3});
        assertEquals((1 / 3.0 + 1) / 2, m.meanReciprocalRank(), 1e-15);
        assertEquals(0.5, m.recallAt(2));
        assertEquals(1, m.recallAt(3));
        assertEquals(1, m.recallAt(1000));
    }

    @Test
    void the_worst_prediction_is_the_first_and_of_equal_ones_the_first_of_the_records() {
        double[] losses = {0.5, 3, Double.NaN, 0.0, -0.0, 3, Double.POSITIVE_INFINITY};
        assertArrayEquals(new int[] {2, 6, 1, 5, 0, 3, 4}, WorstFirst.byLoss(losses, WorstFirst.SAMPLES));
        assertArrayEquals(new int[] {2, 6, 1}, WorstFirst.byLoss(losses, 3));
        double[] confidence = {0.9, 0.1, Double.NaN, 0.1, 0, -0.0};
        assertArrayEquals(new int[] {2, 4, 5, 1, 3, 0}, WorstFirst.byConfidence(confidence, WorstFirst.SAMPLES));
        assertEquals(10, WorstFirst.byLoss(new double[1000], WorstFirst.SAMPLES).length);
    }

    /** With few tokens, many and none of the other text, and lengths around those of a word of the machine. */
    @Test
    void common_subsequences_are_as_long_as_by_the_table_of_all_pairs() {
        for (long seed = 0; seed < 400; seed++) {
            Random random = new Random(seed);
            int different = 1 + random.nextInt(12);
            List<String> text = randomTokens(random, different, random.nextInt(200));
            List<String> other = randomTokens(random, different + 2, random.nextInt(200));
            assertEquals(byTable(text, other), new CommonTokens(text).with(other), "seed " + seed);
        }
    }

    private static List<String> randomTokens(Random random, int different, int length) {
        List<String> tokens = new ArrayList<>();
        for (int i = 0; i < length; i++) {
            tokens.add("t" + random.nextInt(different));
        }
        return tokens;
    }

    private static int byTable(List<String> a, List<String> b) {
        int[][] table = new int[a.size() + 1][b.size() + 1];
        for (int i = 1; i <= a.size(); i++) {
            for (int j = 1; j <= b.size(); j++) {
                table[i][j] = a.get(i - 1).equals(b.get(j - 1))
                        ? table[i - 1][j - 1] + 1
                        : Math.max(table[i - 1][j], table[i][j - 1]);
            }
        }
        return table[a.size()][b.size()];
    }

    /** The table of all pairs would have 2.5e9 cells. */
    @Test
    @Timeout(30)
    void long_texts_are_compared_without_a_table_of_all_pairs() {
        String text = "a b ".repeat(25_000);
        RougeL rouge = RougeL.of(List.of(text), List.of(List.of("b a ".repeat(25_000))));
        assertEquals(49_999 / 50_000.0, rouge.f1(), 1e-12);
        assertEquals(100, Bleu.of(List.of(text), List.of(List.of(text))).score(), 1e-9);
    }

    /** Java's own lower case takes 2.8 s for 16,000 of them. */
    @Test
    @Timeout(20)
    void a_million_sigmas_take_no_time_that_grows_with_their_square() {
        String sigmas = "Σ".repeat(1_000_000);
        assertEquals("σ".repeat(999_999) + "ς", PythonText.lower(sigmas));
        assertEquals("ας" + ".".repeat(1_000_000), PythonText.lower("ΑΣ" + ".".repeat(1_000_000)));
        assertEquals(
                1,
                AnswerMetrics.squad1(List.of(List.of(sigmas)), List.of(sigmas))
                        .all()
                        .f1());
    }

    /** All have the same hash. */
    @Test
    @Timeout(30)
    void words_that_collide_are_counted_as_fast_as_others() {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < 1 << 14; i++) {
            for (int bit = 0; bit < 14; bit++) {
                text.append((i >> bit & 1) == 0 ? "Aa" : "BB");
            }
            text.append(' ');
        }
        List<String> one = List.of(text.toString());
        assertEquals(1, Set.copyOf(hashes(one.get(0))).size());
        assertEquals(100, Bleu.of(one, List.of(one)).score(), 1e-9);
        assertEquals(1, AnswerMetrics.squad2(List.of(one), one).all().f1());
    }

    private static List<Integer> hashes(String text) {
        return Arrays.stream(text.split(" ")).map(String::hashCode).toList();
    }

    @Test
    @Timeout(30)
    void many_references_of_a_long_text_cost_no_more_than_their_words() {
        String text = "one two three four ".repeat(20_000);
        List<String> references = Collections.nCopies(20_000, "one two");
        assertEquals(2, Bleu.of(List.of(text), List.of(references)).referenceLength());
        assertEquals(1, RougeL.of(List.of(text), List.of(references)).recall());
        assertEquals(
                0,
                AnswerMetrics.squad2(List.of(references), List.of(text)).all().exactMatch());
    }

    @Test
    void an_interrupt_ends_long_comparisons() {
        String text = "a b c d ".repeat(1000);
        Thread.currentThread().interrupt();
        try {
            assertEquals(
                    "BLEU of 1 texts was asked for, 0 were read, and the thread "
                            + Thread.currentThread().getName()
                            + " was interrupted. Do it again when it has to be done.",
                    assertThrows(StoppedException.class, () -> Bleu.of(List.of(text), List.of(List.of(text))))
                            .getMessage());
            assertThrows(StoppedException.class, () -> RougeL.of(List.of(text), List.of(List.of(text))));
            List<String> tokens = PythonText.split(text);
            assertThrows(StoppedException.class, () -> new CommonTokens(tokens).with(tokens));
        } finally {
            Thread.interrupted();
        }
    }
}
