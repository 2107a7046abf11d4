package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.Dataset;
import dev.peft4j.FineTuned;
import dev.peft4j.Report;
import dev.peft4j.TextClassifier;
import dev.peft4j.TextEncoder;
import dev.peft4j.TextModel;
import dev.peft4j.Training;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.format.Json;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.lora.LoraConfig;
import dev.peft4j.models.GenerationConfig;
import dev.peft4j.models.Models;
import dev.peft4j.models.TextTokenizer;
import dev.peft4j.models.data.RecordEncoder;
import dev.peft4j.models.data.TextRecord;
import dev.peft4j.models.metrics.AnswerMetrics;
import dev.peft4j.models.metrics.Bleu;
import dev.peft4j.models.metrics.ClassMetrics;
import dev.peft4j.models.metrics.EntityMetrics;
import dev.peft4j.models.metrics.MultiLabelMetrics;
import dev.peft4j.models.metrics.RegressionMetrics;
import dev.peft4j.models.metrics.Retrieval;
import dev.peft4j.models.metrics.RougeL;
import dev.peft4j.run.TaskScores;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The scores behind training are those of the metric classes for what the short API predicts. */
class TaskScoresTest {
    private static final LoraConfig LORA = LoraConfig.of(4, 8);
    private static final double NEAR = 1e-9;

    @TempDir
    Path dir;

    private static Dataset data(List<TextRecord> train, List<TextRecord> heldOut) {
        return Dataset.of(train).heldOut(Dataset.of(heldOut));
    }

    private static Training steps(int count) {
        return Training.steps(count).batchSize(8).learningRate(2e-2).seed(3);
    }

    private static String label(TextRecord record) {
        return Objects.requireNonNull(record.label());
    }

    private static TaskScores scores(FineTuned tuned) {
        return Objects.requireNonNull(tuned.report().scores());
    }

    /** All records are among the worst ones, and the loss of the run is the mean over records. */
    private static void assertMeanLoss(FineTuned tuned, int records) {
        Report report = tuned.report();
        TaskScores scores = scores(tuned);
        assertEquals(records, scores.count());
        assertEquals(records, scores.worst().size());
        double mean = scores.worst().stream()
                .mapToDouble(TaskScores.Sample::loss)
                .average()
                .orElseThrow();
        assertEquals(Objects.requireNonNull(report.tuned()).loss(), mean, 1e-5);
        for (int i = 1; i < records; i++) {
            assertTrue(scores.worst().get(i - 1).loss() >= scores.worst().get(i).loss());
        }
        assertTrue(report.toString().contains(scores.line()), report::toString);
    }

    @Test
    void those_of_classes_are_in_the_report_on_the_page_and_in_the_log() throws IOException {
        List<TextRecord> heldOut = new ArrayList<>(TinyModels.labelled(8, "a", "b", "c"));
        heldOut.add(new TextRecord("", "the <b>film</b> was good", "c"));
        Path out = dir.resolve("out");
        try (TextModel model = TextModel.open(TinyModels.bert(dir.resolve("base")));
                FineTuned tuned = model.fineTune(
                        LORA,
                        data(TinyModels.labelled(60, "a", "b", "c"), heldOut),
                        steps(20).classes(3).outputDir(out));
                TextClassifier classifier = tuned.classifier()) {
            assertMeanLoss(tuned, 9);
            TaskScores scores = scores(tuned);
            ClassMetrics m = ClassMetrics.of(
                    heldOut.stream()
                            .mapToInt(r -> classifier.labels().indexOf(label(r)))
                            .toArray(),
                    heldOut.stream()
                            .mapToInt(r -> classifier
                                    .labels()
                                    .indexOf(classifier.classify(r.text()).label()))
                            .toArray(),
                    3);
            assertTrue(m.accuracy() > 0.5 && m.accuracy() < 1, "both are to be seen: " + m.accuracy());
            assertEquals(m.accuracy(), scores.value("accuracy"), NEAR);
            assertEquals(m.macroF1(), scores.value("macro F1"), NEAR);
            assertEquals(m.weightedF1(), scores.value("weighted F1"), NEAR);
            assertEquals(m.matthews(), scores.value("Matthews"), NEAR);
            assertEquals(m.cells(), scores.confusion());
            assertEquals(
                    m.perClass(),
                    scores.perClass().stream().map(TaskScores.PerClass::scores).toList());
            assertThrows(BadInputException.class, () -> scores.value("F1"));
            String page = Files.readString(out.resolve("report.html"));
            assertTrue(page.contains("<h2>Scores of the tuned model"), page);
            assertTrue(page.contains("the &lt;b&gt;film&lt;/b&gt; was good") && !page.contains("<b>film"), page);
            List<String> log = Files.readAllLines(out.resolve("log.jsonl"));
            Map<?, ?> said = (Map<?, ?>)
                    Objects.requireNonNull(Json.parse(log.get(log.size() - 1)).get("scores"));
            assertEquals(m.macroF1(), (double) ((Map<?, ?>) said.get("values")).get("macro F1"), NEAR);
            assertEquals(9, ((List<?>) said.get("worst")).size());
        }
    }

    @Test
    void those_of_several_labels_count_what_is_more_probable_than_not() throws IOException {
        Path base = TinyModels.bert(
                dir.resolve("base"),
                Map.of(
                        "problem_type",
                        "multi_label_classification",
                        "id2label",
                        Map.of("0", "praise", "1", "film", "2", "blame"),
                        "label2id",
                        Map.of("praise", 0, "film", 1, "blame", 2)));
        List<TextRecord> heldOut = TinyModels.labelled(7, "praise, film", "blame", "film");
        try (TextModel model = TextModel.open(base);
                FineTuned tuned = model.fineTune(
                        LORA, data(TinyModels.labelled(60, "praise, film", "blame, film"), heldOut), steps(30))) {
            assertMeanLoss(tuned, 7);
            boolean[][] expected = new boolean[7][3];
            boolean[][] predicted = new boolean[7][3];
            for (int i = 0; i < 7; i++) {
                List<String> labels = tuned.classifier().labels();
                for (String label : label(heldOut.get(i)).split(", ", -1)) {
                    expected[i][labels.indexOf(label)] = true;
                }
                for (String label :
                        tuned.classifier().classify(heldOut.get(i).text()).labels(0.5)) {
                    predicted[i][labels.indexOf(label)] = true;
                }
            }
            MultiLabelMetrics m = MultiLabelMetrics.of(expected, predicted);
            assertTrue(m.subsetAccuracy() < 1 && m.micro().f1() > 0);
            assertEquals(m.subsetAccuracy(), scores(tuned).value("subset accuracy"), NEAR);
            assertEquals(m.micro().f1(), scores(tuned).value("micro F1"), NEAR);
            assertEquals(m.macro().f1(), scores(tuned).value("macro F1"), NEAR);
            assertEquals(List.of(), scores(tuned).confusion());
        }
    }

    @Test
    void those_of_numbers_are_correlations_and_errors() throws IOException {
        List<TextRecord> heldOut = TinyModels.labelled(9, "2.5", "-1", "0");
        try (TextModel model = TextModel.open(TinyModels.bert(dir.resolve("base")));
                FineTuned tuned = model.fineTune(
                        LORA,
                        data(TinyModels.labelled(60, "2.5", "-1"), heldOut),
                        steps(20).classes(1))) {
            assertMeanLoss(tuned, 9);
            RegressionMetrics m = RegressionMetrics.of(
                    heldOut.stream()
                            .mapToDouble(r -> Double.parseDouble(label(r)))
                            .toArray(),
                    heldOut.stream()
                            .mapToDouble(r -> tuned.classifier().predict(r.text())[0])
                            .toArray());
            assertEquals(m.pearson(), scores(tuned).value("Pearson"), 1e-5);
            assertEquals(m.spearman(), scores(tuned).value("Spearman"), NEAR);
            assertEquals(m.rmse(), scores(tuned).value("RMSE"), 1e-5);
            assertEquals(m.mae(), scores(tuned).value("MAE"), 1e-5);
        }
    }

    @Test
    void those_of_tags_are_of_entities() throws IOException {
        List<TextRecord> train = List.of(
                new TextRecord("", "the good film was fine", "O B-X I-X O O"),
                new TextRecord("", "a book is not bad", "O B-Y O O O"));
        List<TextRecord> heldOut = List.of(
                new TextRecord("", "the good film was fine", "O B-X I-X O O"),
                new TextRecord("", "a book is not bad", "O B-Y O B-X O"),
                new TextRecord("", "the film was fine", "O B-X O O"));
        try (TextModel model = TextModel.open(TinyModels.bert(dir.resolve("base")), TaskType.TOKEN_CLS);
                FineTuned tuned =
                        model.fineTune(LORA, data(train, heldOut), steps(60).classes(4))) {
            EntityMetrics m = EntityMetrics.of(
                    heldOut.stream().map(r -> List.of(label(r).split(" "))).toList(),
                    heldOut.stream()
                            .map(r -> tuned.tagger().tags(List.of(r.text().split(" "))))
                            .toList());
            assertTrue(m.micro().f1() > 0 && m.micro().f1() < 1, m::toString);
            TaskScores scores = scores(tuned);
            assertEquals(m.micro().precision(), scores.value("entity precision"), NEAR);
            assertEquals(m.micro().recall(), scores.value("entity recall"), NEAR);
            assertEquals(m.micro().f1(), scores.value("entity F1"), NEAR);
            assertEquals(m.tokenAccuracy(), scores.value("accuracy of tags"), NEAR);
            assertEquals(
                    List.copyOf(m.perType().keySet()),
                    scores.perClass().stream().map(TaskScores.PerClass::name).toList());
        }
    }

    @Test
    void those_of_answers_tell_questions_with_and_without_answer_apart() throws IOException {
        List<TextRecord> records = new ArrayList<>();
        for (String thing : List.of("film", "book")) {
            for (String quality : List.of("good", "bad")) {
                String text = "the " + thing + " was " + quality;
                records.add(new TextRecord("was the " + thing, text, quality));
                records.add(new TextRecord("not the " + thing, text, ""));
            }
        }
        List<TextRecord> heldOut = new ArrayList<>(records.subList(0, 6));
        heldOut.add(new TextRecord("is the film", "the film was not very good", "very good"));
        List<List<String>> right = heldOut.stream()
                .map(r -> label(r).isEmpty() ? List.<String>of() : List.of(label(r)))
                .toList();
        try (TextModel model = TextModel.open(TinyModels.bert(dir.resolve("base")), TaskType.QUESTION_ANS)) {
            try (FineTuned tuned = model.fineTune(LORA, data(records, heldOut), steps(100))) {
                assertMeanLoss(tuned, 7);
                AnswerMetrics m = AnswerMetrics.squad2(
                        right,
                        heldOut.stream()
                                .map(r -> tuned.answerer()
                                        .answer(r.prompt(), r.text())
                                        .text())
                                .toList());
                assertTrue(m.all().f1() > 0 && m.all().exactMatch() < 1, m::toString);
                TaskScores scores = scores(tuned);
                assertEquals(m.all().exactMatch(), scores.value("exact match"), NEAR);
                assertEquals(m.all().f1(), scores.value("F1"), NEAR);
                assertEquals(m.answerable().f1(), scores.value("F1 with answer"), NEAR);
                assertEquals(m.unanswerable().exactMatch(), scores.value("right without answer"), NEAR);
            }
            List<TextRecord> answered =
                    heldOut.stream().filter(r -> !label(r).isEmpty()).toList();
            try (FineTuned tuned = model.fineTune(LORA, data(records, answered), steps(2))) {
                AnswerMetrics m = AnswerMetrics.squad1(
                        right.stream().filter(r -> !r.isEmpty()).toList(),
                        answered.stream()
                                .map(r -> tuned.answerer()
                                        .answerIfAny(r.prompt(), r.text())
                                        .text())
                                .toList());
                assertEquals(m.all().f1(), scores(tuned).value("F1"), NEAR);
                assertEquals(2, scores(tuned).values().size());
            }
        }
    }

    @Test
    void those_of_pairs_are_one_ranking_in_which_a_query_may_have_several_answers() throws IOException {
        List<String> queries = List.of("good", "bad", "fine", "poor", "very bad");
        List<String> answers = List.of("the very good film", "a bad book", "not fine", "is the poor", "a bad book");
        List<TextRecord> heldOut = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            heldOut.add(new TextRecord(queries.get(i), answers.get(i), null));
        }
        heldOut.add(new TextRecord("good", "not fine", null));
        int[][] relevant = {{0, 2}, {1}, {2}, {3}, {1}};
        try (TextModel model = TextModel.open(TinyModels.bert(dir.resolve("base")), TaskType.FEATURE_EXTRACTION);
                FineTuned tuned = model.fineTune(LORA, data(heldOut.subList(0, 3), heldOut), steps(3));
                TextEncoder encoder = tuned.encoder()) {
            double[][] similarity = new double[5][4];
            for (int q = 0; q < 5; q++) {
                for (int a = 0; a < 4; a++) {
                    similarity[q][a] =
                            TextEncoder.similarity(encoder.encode(queries.get(q)), encoder.encode(answers.get(a)));
                }
            }
            Retrieval m = Retrieval.of(similarity, relevant);
            TaskScores scores = scores(tuned);
            assertEquals(5, scores.count());
            assertEquals(m.recallAt(1), scores.value("recall@1"), NEAR);
            assertEquals(m.recallAt(5), scores.value("recall@5"), NEAR);
            assertEquals(m.meanReciprocalRank(), scores.value("MRR"), NEAR);
            assertTrue(scores.worst().get(0).expected().contains("(rank "), scores::toString);
        }
    }

    @Test
    void vectors_that_are_not_normalised_are_compared_by_cosine_too() throws IOException {
        List<TextRecord> records = List.of(
                new TextRecord("the film was", "good", null),
                new TextRecord("the book was", "bad", null),
                new TextRecord("the fox was", "very good very good", null));
        Path base = TinyModels.bert(dir.resolve("base"));
        TaskScores expected;
        try (TextModel model = TextModel.open(base, TaskType.FEATURE_EXTRACTION);
                FineTuned tuned = model.fineTune(LORA, data(records, records), steps(1))) {
            expected = scores(tuned);
        }
        Files.writeString(
                base.resolve("modules.json"),
                "[{\"path\":\"\",\"type\":\"a.Transformer\"},{\"path\":\"1_Pooling\",\"type\":\"a.Pooling\"}]");
        Files.createDirectory(base.resolve("1_Pooling"));
        Files.writeString(base.resolve("1_Pooling/config.json"), "{\"pooling_mode_mean_tokens\":true}");
        try (TextModel model = TextModel.open(base, TaskType.FEATURE_EXTRACTION);
                FineTuned tuned = model.fineTune(LORA, data(records, records), steps(1))) {
            TaskScores found = scores(tuned);
            assertEquals(expected.value("MRR"), found.value("MRR"));
            for (int i = 0; i < records.size(); i++) {
                assertEquals(
                        expected.worst().get(i).loss(), found.worst().get(i).loss(), 1e-3);
            }
        }
    }

    @Test
    void hidden_tokens_and_language_models_have_none() throws IOException {
        List<TextRecord> records = List.of(new TextRecord("", "the film was very good", null));
        try (TextModel model = TextModel.open(TinyModels.bert(dir.resolve("base")), TaskType.MASKED_LM);
                FineTuned tuned = model.fineTune(LORA, data(records, records), steps(1))) {
            assertNull(tuned.report().scores());
        }
    }

    @Test
    void texts_are_compared_with_all_texts_behind_their_prompt() throws IOException {
        Path base = TinyModels.llama(dir.resolve("llama"));
        List<TextRecord> records = List.of(
                new TextRecord("the fox is happy", "the happy fox was happy", null),
                new TextRecord("", "the owl", null),
                new TextRecord("the owl is", " tired", null),
                new TextRecord("the fox is happy", "the fox was tired", null));
        List<String> said;
        try (TextModel model = TextModel.open(base)) {
            said = List.of(
                    model.generate("the fox is happy", GenerationConfig.greedy(8)),
                    model.generate("the owl is", GenerationConfig.greedy(8)));
        }
        List<List<String>> references =
                List.of(List.of("the happy fox was happy", "the fox was tired"), List.of(" tired"));
        try (Model model = Models.load(base);
                TextTokenizer tokenizer = TextTokenizer.open(base, model.vocabularySize())) {
            RecordEncoder encoder = new RecordEncoder(tokenizer, TaskType.CAUSAL_LM, model.contextLength());
            TaskScores scores = TaskScores.generated(model, List.of(), encoder, records, 3, 8);
            assertEquals(2, scores.count());
            assertEquals(Bleu.of(said, references).score(), scores.value("BLEU"), NEAR);
            assertEquals(RougeL.of(said, references).f1(), scores.value("ROUGE-L"), NEAR);
            assertEquals(
                    said.stream().sorted().toList(),
                    scores.worst().stream()
                            .map(TaskScores.Sample::predicted)
                            .sorted()
                            .toList());
            assertTrue(TaskScores.of(model, List.of(), encoder, records).isEmpty());
            List<TextRecord> none = records.subList(1, 2);
            String message = assertThrows(
                            BadInputException.class, () -> TaskScores.generated(model, List.of(), encoder, none, 3, 8))
                    .getMessage();
            assertTrue(message.contains("none has a prompt"), message);
            assertThrows(BadInputException.class, () -> TaskScores.generated(model, List.of(), encoder, records, 0, 8));
        }
    }
}
