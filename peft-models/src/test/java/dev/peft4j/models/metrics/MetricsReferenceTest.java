package dev.peft4j.models.metrics;

import static dev.peft4j.models.metrics.MetricCases.near;
import static dev.peft4j.models.metrics.MetricCases.rowsOfTexts;
import static dev.peft4j.models.metrics.MetricCases.same;
import static dev.peft4j.models.metrics.MetricCases.texts;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Values against those of Python's packages; scripts/make-metric-fixtures.py has made them. */
class MetricsReferenceTest {
    @Test
    void classes_are_measured_as_by_scikit_learn() throws IOException {
        for (JsonNode c : MetricCases.read("classes")) {
            ClassMetrics m = ClassMetrics.of(
                    MetricCases.ints(c.get("expected")),
                    MetricCases.ints(c.get("predicted")),
                    c.get("classes").intValue());
            near(c.get("accuracy"), m.accuracy(), "accuracy", c);
            near(c.get("matthews"), m.matthews(), "matthews", c);
            same(c.get("macro"), m.macro(), "macro", c);
            same(c.get("weighted"), m.weighted(), "weighted", c);
            same(c.get("per"), m.perClass(), c);
            assertArrayEquals(MetricCases.rowsOfInts(c.get("confusion")), m.confusion(), c::toString);
            near(c.get("macro").get(2), m.macroF1(), "macro F1", c);
            near(c.get("weighted").get(2), m.weightedF1(), "weighted F1", c);
        }
    }

    @Test
    void labels_are_measured_as_by_scikit_learn() throws IOException {
        for (JsonNode c : MetricCases.read("labels")) {
            MultiLabelMetrics m = MultiLabelMetrics.of(
                    MetricCases.rowsOfFlags(c.get("expected")), MetricCases.rowsOfFlags(c.get("predicted")));
            near(c.get("subset"), m.subsetAccuracy(), "subset accuracy", c);
            same(c.get("micro"), m.micro(), "micro", c);
            same(c.get("macro"), m.macro(), "macro", c);
            same(c.get("weighted"), m.weighted(), "weighted", c);
            same(c.get("per"), m.perLabel(), c);
        }
    }

    @Test
    void numbers_are_measured_as_by_scipy_and_scikit_learn() throws IOException {
        for (JsonNode c : MetricCases.read("numbers")) {
            RegressionMetrics m = RegressionMetrics.of(
                    MetricCases.doubles(c.get("expected")), MetricCases.doubles(c.get("predicted")));
            near(c.get("pearson"), m.pearson(), "pearson", c);
            near(c.get("spearman"), m.spearman(), "spearman", c);
            near(c.get("rmse"), m.rmse(), "rmse", c);
            near(c.get("mae"), m.mae(), "mae", c);
        }
    }

    @Test
    void answers_are_measured_as_by_the_scripts_of_squad() throws IOException {
        int ofFirst = 0;
        for (JsonNode c : MetricCases.read("answers")) {
            List<List<String>> answers = rowsOfTexts(c.get("answers"));
            List<String> predicted = texts(c.get("predicted"));
            AnswerMetrics m = AnswerMetrics.squad2(answers, predicted);
            sameGroup(c.get("squad2"), m.all(), "all", c);
            sameGroup(c.get("answerable"), m.answerable(), "answerable", c);
            sameGroup(c.get("unanswerable"), m.unanswerable(), "unanswerable", c);
            if (!c.get("squad1").isNull()) {
                AnswerMetrics first = AnswerMetrics.squad1(answers, predicted);
                sameGroup(c.get("squad1"), first.all(), "SQuAD 1.1", c);
                assertEquals(first.all(), first.answerable());
                assertEquals(0, first.unanswerable().questions());
                ofFirst++;
            }
        }
        assertTrue(ofFirst > 10, ofFirst + " cases of SQuAD 1.1");
    }

    private static void sameGroup(JsonNode expected, AnswerMetrics.Group actual, String what, JsonNode of) {
        assertEquals(expected.get(0).intValue(), actual.questions(), () -> what + " questions of " + of);
        near(expected.get(1), actual.exactMatch(), what + " exact match", of);
        near(expected.get(2), actual.f1(), what + " f1", of);
    }

    @Test
    void entities_are_measured_as_by_seqeval() throws IOException {
        for (JsonNode c : MetricCases.read("entities")) {
            EntityMetrics m = EntityMetrics.of(rowsOfTexts(c.get("expected")), rowsOfTexts(c.get("predicted")));
            near(c.get("accuracy"), m.tokenAccuracy(), "accuracy", c);
            same(c.get("micro"), m.micro(), "micro", c);
            same(c.get("macro"), m.macro(), "macro", c);
            same(c.get("weighted"), m.weighted(), "weighted", c);
            assertEquals(c.get("per").size(), m.perType().size(), c::toString);
            m.perType().forEach((type, scores) -> same(c.get("per").get(type), scores, type, c));
        }
    }

    @Test
    void generated_texts_are_measured_as_by_sacrebleu_and_rouge_score() throws IOException {
        for (JsonNode c : MetricCases.read("generated")) {
            List<String> predicted = texts(c.get("predicted"));
            List<List<String>> references = rowsOfTexts(c.get("references"));
            Bleu bleu = Bleu.of(predicted, references);
            near(c.get("bleu"), bleu.score(), "BLEU", c);
            near(c.get("penalty"), bleu.brevityPenalty(), "brevity penalty", c);
            assertEquals(c.get("lengths").get(0).longValue(), bleu.length(), c::toString);
            assertEquals(c.get("lengths").get(1).longValue(), bleu.referenceLength(), c::toString);
            for (int n = 0; n < 4; n++) {
                near(c.get("precisions").get(n), bleu.precisions().get(n), "precision " + n, c);
            }
            RougeL rouge = RougeL.of(predicted, references);
            near(c.get("rouge").get(0), rouge.precision(), "ROUGE-L precision", c);
            near(c.get("rouge").get(1), rouge.recall(), "ROUGE-L recall", c);
            near(c.get("rouge").get(2), rouge.f1(), "ROUGE-L", c);
        }
    }

    @Test
    void odd_texts_have_the_tokens_that_they_have_in_python() throws IOException {
        for (JsonNode c : MetricCases.read("texts")) {
            String text = c.get("text").textValue();
            assertEquals(c.get("lower").textValue(), PythonText.lower(text), c::toString);
            assertEquals(texts(c.get("split")), PythonText.split(text), c::toString);
            assertEquals(texts(c.get("bleu")), BleuTokens.of(text), c::toString);
            assertEquals(texts(c.get("rouge")), RougeL.tokens(text), c::toString);
            assertEquals(texts(c.get("squad")), AnswerMetrics.words(text), c::toString);
        }
    }

    @Test
    void searches_are_measured_as_by_a_sort_of_all_candidates() throws IOException {
        for (JsonNode c : MetricCases.read("retrieval")) {
            Retrieval m = Retrieval.of(
                    MetricCases.rowsOfDoubles(c.get("similarity")), MetricCases.rowsOfInts(c.get("relevant")));
            assertEquals(c.get("relevant").size(), m.queries());
            near(c.get("mrr"), m.meanReciprocalRank(), "mean reciprocal rank", c);
            c.get("recall")
                    .properties()
                    .forEach(k -> near(k.getValue(), m.recallAt(Integer.parseInt(k.getKey())), "recall", c));
        }
    }
}
