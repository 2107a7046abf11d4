package dev.peft4j.models.metrics;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.error.WrongUseException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** What cannot be compared is refused with what was asked, what was found and what to do. */
class BadMetricInputTest {
    private static final List<String> ONE = List.of("a");
    private static final List<List<String>> ONE_OF_ONE = List.of(ONE);

    private static void refused(String message, Executable call) {
        assertEquals(message, assertThrows(BadInputException.class, call).getMessage());
    }

    @Test
    void lengths_that_differ_are_refused() {
        String two =
                "predictions were to be compared with what was expected, and there are 1 predicted and 2 expected ";
        String give = ". Give one of each for every record.";
        refused(two + "classes" + give, () -> ClassMetrics.of(new int[2], new int[1], 3));
        refused(two + "rows of labels" + give, () -> MultiLabelMetrics.of(new boolean[2][1], new boolean[1][1]));
        refused(two + "numbers" + give, () -> RegressionMetrics.of(new double[2], new double[1]));
        refused(two + "answers" + give, () -> AnswerMetrics.squad1(List.of(ONE, ONE), ONE));
        refused(two + "answers" + give, () -> AnswerMetrics.squad2(List.of(ONE, ONE), ONE));
        refused(two + "sequences of tags" + give, () -> EntityMetrics.of(List.of(ONE, ONE), ONE_OF_ONE));
        refused(two + "texts" + give, () -> Bleu.of(ONE, List.of(ONE, ONE)));
        refused(two + "texts" + give, () -> RougeL.of(ONE, List.of(ONE, ONE)));
        refused(two + "rows of queries" + give, () -> Retrieval.of(new double[1][1], new int[2][1]));
    }

    @Test
    void nothing_at_all_is_refused() {
        String none = "predictions were to be measured, and there are no ";
        String give = ". Give at least one.";
        refused(none + "classes" + give, () -> ClassMetrics.of(new int[0], new int[0], 3));
        refused(none + "rows of labels" + give, () -> MultiLabelMetrics.of(new boolean[0][], new boolean[0][]));
        refused(none + "labels" + give, () -> MultiLabelMetrics.of(new boolean[1][0], new boolean[1][0]));
        refused(none + "numbers" + give, () -> RegressionMetrics.of(new double[0], new double[0]));
        refused(none + "answers" + give, () -> AnswerMetrics.squad1(List.of(), List.of()));
        refused(none + "answers" + give, () -> AnswerMetrics.squad2(List.of(), List.of()));
        refused(none + "sequences of tags" + give, () -> EntityMetrics.of(List.of(), List.of()));
        refused(none + "texts" + give, () -> Bleu.of(List.of(), List.of()));
        refused(none + "texts" + give, () -> RougeL.of(List.of(), List.of()));
        refused(none + "rows of queries" + give, () -> Retrieval.of(new double[0][], new int[0][]));
        refused(none + "losses" + give, () -> WorstFirst.byLoss(new double[0], 10));
    }

    @Test
    void a_class_that_does_not_exist_is_refused() {
        refused(
                "3 classes were to be compared, numbered from 0, and the predicted class of record 1 is 3."
                        + " Correct it, or the number of classes.",
                () -> ClassMetrics.of(new int[] {0, 1}, new int[] {0, 3}, 3));
        refused(
                "3 classes were to be compared, numbered from 0, and the expected class of record 0 is -100."
                        + " Correct it, or the number of classes.",
                () -> ClassMetrics.of(new int[] {-100, 1}, new int[] {0, 1}, 3));
        refused(
                "-1 classes were to be compared, numbered from 0, and the expected class of record 0 is 0."
                        + " Correct it, or the number of classes.",
                () -> ClassMetrics.of(new int[1], new int[1], -1));
    }

    @Test
    void a_matrix_of_too_many_classes_is_not_made_and_its_cells_are_there() {
        ClassMetrics many = ClassMetrics.of(new int[] {4999, 7}, new int[] {3, 7}, 5000);
        assertEquals(List.of(new ClassMetrics.Cell(7, 7, 1), new ClassMetrics.Cell(4999, 3, 1)), many.cells());
        assertEquals(
                "a confusion matrix was asked for, which is made of at most 4096 classes, and there are 5000."
                        + " Use the cells that are not 0.",
                assertThrows(WrongUseException.class, many::confusion).getMessage());
        assertEquals(4096, ClassMetrics.of(new int[1], new int[1], 4096).confusion().length);
    }

    @Test
    void labels_of_different_records_are_as_many() {
        refused(
                "2 labels were to be compared, as in the first record, and record 1 has 2 expected and 3 predicted ones."
                        + " Give each record all labels.",
                () -> MultiLabelMetrics.of(new boolean[2][2], new boolean[][] {new boolean[2], new boolean[3]}));
    }

    @Test
    void what_is_no_number_is_refused() {
        refused(
                "numbers were to be compared, and the predicted one of record 1 is NaN."
                        + " Leave the record out, or see why the model predicts it.",
                () -> RegressionMetrics.of(new double[2], new double[] {0, Double.NaN}));
        refused(
                "numbers were to be compared, and the expected one of record 0 is -Infinity."
                        + " Leave the record out, or see why the model predicts it.",
                () -> RegressionMetrics.of(new double[] {Double.NEGATIVE_INFINITY}, new double[1]));
        refused(
                "candidates were to be ranked, and the similarity of query 0 to candidate 1 is NaN."
                        + " See why, or leave the query out.",
                () -> Retrieval.of(new double[][] {{1, Double.NaN}}, new int[] {0}));
    }

    @Test
    void a_text_without_reference_and_a_question_without_answer_are_refused() {
        String none = "prediction 0 was to be compared with texts, and there are none."
                + " Give at least one for each, or leave the prediction out.";
        refused(none, () -> Bleu.of(ONE, List.of(List.of())));
        refused(none, () -> RougeL.of(ONE, List.of(List.of())));
        refused(
                "answers were to be compared by the rules of SQuAD 1.1, and question 0 has no right one."
                        + " Give one, or use the rules of SQuAD 2.0, where it may have none.",
                () -> AnswerMetrics.squad1(List.of(List.of()), ONE));
    }

    @Test
    void what_is_no_tag_is_refused() {
        for (String tag : List.of("", "PER", "BPER", "O-PER", "L-PER", "o", "Ö", "-B", " B-X")) {
            refused(
                    "entities were to be compared, whose tags are O or begin with B- or I-, and token 1 of sequence 1 has \""
                            + tag + "\". Give its tag, not its number or text.",
                    () -> EntityMetrics.of(
                            List.of(List.of(), List.of("O", tag)), List.of(List.of(), List.of("O", "O"))));
        }
        refused(
                "tags of tokens were to be compared, and sequence 0 has 2 predicted and 1 expected ones."
                        + " Give one of each for every token.",
                () -> EntityMetrics.of(List.of(List.of("O")), List.of(List.of("O", "O"))));
    }

    @Test
    void what_a_search_should_find_exists_once() {
        String of = "query 0 has 2 candidates, numbered from 0, and its relevant ones are said to be ";
        refused(of + "2. Give each that exists once.", () -> Retrieval.of(new double[1][2], new int[] {2}));
        refused(of + "-1. Give each that exists once.", () -> Retrieval.of(new double[1][2], new int[] {-1}));
        refused(
                of + "1 twice. Give each that exists once.",
                () -> Retrieval.of(new double[1][2], new int[][] {{1, 1}}));
        refused(
                "query 0 was to find something, and no candidate is relevant. Give one, or leave the query out.",
                () -> Retrieval.of(new double[1][2], new int[1][0]));
        refused(
                "the recall of the first 0 candidates was asked for; that takes at least 1. Give one such as 10.",
                () -> Retrieval.of(new double[1][2], new int[1]).recallAt(0));
    }

    @Test
    void no_predictions_to_look_at_are_refused() {
        refused(
                "0 of 3 predictions were asked for, worst first; that takes at least 1. Give one such as 10.",
                () -> WorstFirst.byConfidence(new double[3], 0));
    }
}
