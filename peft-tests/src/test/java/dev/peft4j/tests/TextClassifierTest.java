package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.Dataset;
import dev.peft4j.FineTuned;
import dev.peft4j.Prediction;
import dev.peft4j.TextClassifier;
import dev.peft4j.TextModel;
import dev.peft4j.Training;
import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.format.Json;
import dev.peft4j.core.model.Model;
import dev.peft4j.lora.LoraConfig;
import dev.peft4j.lora.LoraMethod;
import dev.peft4j.models.Models;
import dev.peft4j.models.data.TextRecord;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The short API on classifiers. */
class TextClassifierTest {
    private static final LoraConfig LORA = LoraConfig.of(4, 8);
    private static final List<String> TEXTS =
            List.of("the film was good", "the film was bad book", "the book was fine", "the film was poor the film");

    @TempDir
    Path dir;

    private Path base;

    @BeforeEach
    void write() throws IOException {
        base = TinyModels.bert(dir.resolve("bert"));
    }

    private static Training steps(int count) {
        return Training.steps(count).batchSize(8).learningRate(2e-2);
    }

    /** Trains, saves, and gives the predictions. */
    private List<Prediction> train(TextModel model, String name, Training training, String... labels)
            throws IOException {
        try (FineTuned tuned = model.fineTune(LORA, Dataset.of(TinyModels.labelled(80, labels)), training)) {
            tuned.save(dir.resolve(name));
            tuned.saveMerged(dir.resolve(name + "-merged"));
            return tuned.classifier().classify(TEXTS);
        }
    }

    private static List<String> labels(List<Prediction> predictions) {
        return predictions.stream().map(Prediction::label).toList();
    }

    private static void assertNear(List<Prediction> expected, List<Prediction> found) {
        assertEquals(labels(expected), labels(found));
        for (int i = 0; i < expected.size(); i++) {
            Map<String, Double> scores = found.get(i).scores();
            expected.get(i).scores().forEach((label, p) -> assertEquals(p, scores.get(label), 1e-5));
        }
    }

    @Test
    void labels_that_are_words_come_back_from_the_files() throws IOException {
        List<Prediction> said;
        try (TextModel model = TextModel.open(base)) {
            said = train(model, "words", steps(60).classes(4), "good", "bad", "fine", "poor");
        }
        assertEquals(List.of("good", "bad", "fine", "poor"), labels(said));
        for (Prediction p : said) {
            double sum = p.scores().values().stream().mapToDouble(x -> x).sum();
            assertEquals(1, sum, 1e-9);
            assertEquals(p.probability(), p.scores().get(p.label()));
        }
        try (TextClassifier c = TextClassifier.open(base, dir.resolve("words"))) {
            assertEquals(List.of("bad", "fine", "good", "poor"), c.labels());
            assertNear(said, c.classify(TEXTS));
        }
        assertEquals(
                Map.of("0", "bad", "1", "fine", "2", "good", "3", "poor"),
                Json.read(dir.resolve("words-merged/config.json")).get("id2label"));
        try (TextClassifier c = TextClassifier.open(dir.resolve("words-merged"))) {
            assertNear(said, c.classify(TEXTS));
        }
    }

    @Test
    void labels_that_are_numbers_come_back_as_they_were() throws IOException {
        try (TextModel model = TextModel.open(base)) {
            assertEquals(
                    List.of("0", "1", "0", "1"),
                    labels(train(model, "two", steps(60).classes(2), "0", "1", "0", "1")));
            assertEquals(List.of("-1", "7", "12", "-1"), labels(train(model, "odd", steps(60), "-1", "7", "12", "-1")));
        }
        try (TextClassifier c = TextClassifier.open(base, dir.resolve("odd"))) {
            assertEquals(List.of("-1", "7", "12"), c.labels());
            assertEquals("12", c.classify("the film was fine").label());
        }
        try (TextClassifier c = TextClassifier.open(base, dir.resolve("two"))) {
            assertEquals(List.of("0", "1"), c.labels());
        }
    }

    @Test
    void names_of_labels_as_first_versions_kept_them_are_read() throws IOException {
        try (Model model = Models.load(base);
                Adapter adapter = new LoraMethod().create(LORA, model, 0)) {
            String names = "{\"names\": [\"low\", \"middle\", \"high\"]}";
            AdapterFiles.save(dir.resolve("old"), model, adapter, Map.of("peft4j_classes", names));
            AdapterFiles.save(
                    dir.resolve("odd"), model, adapter, Map.of("id2label", "{\"0\": \"low\", \"7\": \"high\"}"));
        }
        try (TextClassifier c = TextClassifier.open(base, dir.resolve("old"))) {
            assertEquals(List.of("low", "middle", "high"), c.labels());
        }
        try (TextClassifier c = TextClassifier.open(base, dir.resolve("odd"))) {
            assertEquals(List.of("0", "1", "2"), c.labels(), "names that are not those of all outputs count for none");
        }
    }

    @Test
    void one_classifier_serves_many_threads() throws Exception {
        try (TextModel model = TextModel.open(base)) {
            train(model, "words", steps(30), "good", "bad", "fine");
        }
        List<String> texts = TinyModels.labelled(200, "a", "b", "c").stream()
                .map(TextRecord::text)
                .toList();
        ExecutorService threads = Executors.newFixedThreadPool(8);
        try (TextClassifier c = TextClassifier.open(base, dir.resolve("words"))) {
            List<Prediction> alone = texts.stream().map(c::classify).toList();
            assertNear(alone, c.classify(texts));
            List<Callable<List<Prediction>>> calls = new ArrayList<>();
            for (int i = 0; i < 32; i++) {
                List<String> part = texts.subList(5 * i, 5 * i + 1 + i);
                calls.add(() -> c.classify(part));
            }
            List<Future<List<Prediction>>> all = threads.invokeAll(calls);
            for (int i = 0; i < all.size(); i++) {
                assertNear(alone.subList(5 * i, 5 * i + 1 + i), all.get(i).get());
            }
            assertEquals(List.of(), c.classify(List.of()));
        } finally {
            threads.shutdown();
        }
    }

    @Test
    void heads_of_several_sizes_are_used_on_one_base() throws IOException {
        try (TextModel model = TextModel.open(base)) {
            List<Prediction> four = train(model, "four", steps(20).classes(4), "good", "bad", "fine", "poor");
            List<Prediction> two = train(model, "two", steps(20).classes(2), "yes", "no");
            model.load("four", dir.resolve("four"));
            model.load("two", dir.resolve("two"));
            assertNear(four, model.classifier("four").classify(TEXTS));
            assertNear(two, model.classifier("two").classify(TEXTS));
            try (TextClassifier ofCheckpoint = TextClassifier.open(base)) {
                assertEquals(3, ofCheckpoint.labels().size());
                assertNear(ofCheckpoint.classify(TEXTS), model.classifier().classify(TEXTS));
            }
            String message = assertThrows(IllegalArgumentException.class, () -> model.classifier("four", "two"))
                    .getMessage();
            assertTrue(message.contains("different numbers of classes"), message);
            assertThrows(IllegalArgumentException.class, () -> model.generate("the film"));
        }
    }

    @Test
    void a_number_is_predicted_where_one_output_was_asked_for() throws IOException {
        Dataset data = Dataset.of(TinyModels.labelled(80, "2.5", "-1"));
        try (TextModel model = TextModel.open(base);
                FineTuned tuned = model.fineTune(LORA, data, steps(80).classes(1))) {
            assertTrue(tuned.report().toString().contains("root mean squared error"));
            tuned.save(dir.resolve("number"));
            double predicted = tuned.classifier().predict("the film was good")[0];
            assertEquals(2.5, predicted, 1);
            String message = assertThrows(IllegalArgumentException.class, () -> tuned.classifier()
                            .classify("the film was good"))
                    .getMessage();
            assertTrue(message.contains("predicts 1 number of a text. Use predict."), message);
            try (TextClassifier c = TextClassifier.open(base, dir.resolve("number"))) {
                assertEquals(predicted, c.predict("the film was good")[0], 1e-5);
            }
        }
    }

    @Test
    void several_labels_have_probabilities_of_their_own() throws IOException {
        Path several = TinyModels.bert(
                dir.resolve("several"),
                Map.of(
                        "problem_type",
                        "multi_label_classification",
                        "id2label",
                        Map.of("0", "praise", "1", "film", "2", "blame"),
                        "label2id",
                        Map.of("praise", 0, "film", 1, "blame", 2)));
        Dataset data = Dataset.of(TinyModels.labelled(80, "praise, film", "blame, film"));
        try (TextModel model = TextModel.open(several);
                FineTuned tuned = model.fineTune(LORA, data, steps(80))) {
            Prediction p = tuned.classifier().classify("the film was good");
            assertEquals(List.of("praise", "film"), p.labels(0.5));
            assertThrows(
                    IllegalArgumentException.class, () -> tuned.classifier().predict("the film"));
            tuned.save(dir.resolve("a"));
            try (TextClassifier c = TextClassifier.open(several, dir.resolve("a"))) {
                assertEquals(
                        List.of("praise", "film"),
                        c.classify("the film was good").labels(0.5));
            }
        }
    }

    @Test
    void records_that_teach_no_classes_are_refused() throws IOException {
        try (TextModel model = TextModel.open(base)) {
            List<TextRecord> records = new ArrayList<>(TinyModels.labelled(30, "good", "bad", "fine"));
            records.set(7, new TextRecord("", "the film", null, "films.csv, line 9"));
            String none = assertThrows(
                            IllegalArgumentException.class,
                            () -> model.fineTune(LORA, Dataset.of(records).split(0, 0), steps(1)))
                    .getMessage();
            assertTrue(none.startsWith("films.csv, line 9: "), none);
            String one = assertThrows(
                            IllegalArgumentException.class,
                            () -> model.fineTune(LORA, Dataset.of(TinyModels.labelled(30, "good")), steps(1)))
                    .getMessage();
            assertTrue(one.contains("at least two classes"), one);
            String many = assertThrows(
                            IllegalArgumentException.class,
                            () -> model.fineTune(
                                    LORA, Dataset.of(TinyModels.labelled(30, "a", "b", "c", "d")), steps(1)))
                    .getMessage();
            assertTrue(many.contains("the checkpoint has a head of 3 classes"), many);
        }
    }

    @Test
    void what_is_closed_says_so() throws IOException {
        TextClassifier c = TextClassifier.open(base);
        assertEquals(3, c.classify("the film").scores().size());
        c.close();
        c.close();
        assertThrows(IllegalStateException.class, () -> c.classify("the film"));
        TextModel model = TextModel.open(base);
        TextClassifier view = model.classifier();
        model.close();
        assertThrows(IllegalStateException.class, () -> view.classify("the film"));
        view.close();
    }

    @Test
    void scores_are_named_in_the_order_of_the_outputs() throws IOException {
        try (TextClassifier c = TextClassifier.open(base)) {
            String names = String.join(",", c.classify("the film").scores().keySet());
            assertEquals(c.labels().stream().collect(Collectors.joining(",")), names);
        }
    }
}
