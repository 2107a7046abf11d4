package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.Cancellation;
import dev.peft4j.Dataset;
import dev.peft4j.FineTuned;
import dev.peft4j.Prediction;
import dev.peft4j.TextClassifier;
import dev.peft4j.TextModel;
import dev.peft4j.Training;
import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.error.WrongUseException;
import dev.peft4j.core.train.Strategy;
import dev.peft4j.core.train.TrainingListener;
import dev.peft4j.lora.LoraConfig;
import dev.peft4j.models.GenerationConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Strategies in the short API: copies of base tensors are trained, and the base stays what it is for others. */
class TunedStrategiesTest {
    private static final List<String> TEXTS = List.of("the film was good", "the book was fine the film", "a bad book");

    @TempDir
    Path dir;

    private TextModel model;

    @BeforeEach
    void open() throws IOException {
        model = TextModel.open(TinyModels.bert(dir.resolve("bert")));
    }

    @AfterEach
    void close() {
        model.close();
    }

    private static Dataset data() {
        return Dataset.of(TinyModels.labelled(60, "good", "bad", "fine"));
    }

    private static Training epochs(double count) {
        return Training.epochs(count).batchSize(8).learningRate(1e-2);
    }

    private static Map<String, Double> scores(TextClassifier classifier) {
        Map<String, Double> all = new LinkedHashMap<>();
        for (Prediction p : classifier.classify(TEXTS)) {
            p.scores().forEach((label, score) -> all.put(all.size() + label, score));
        }
        return all;
    }

    private static byte[] tensors(Path directory) throws IOException {
        return Files.readAllBytes(directory.resolve("model.safetensors"));
    }

    @Test
    void what_is_trained_is_used_and_written_as_a_whole_model_and_the_base_stays() throws IOException {
        Strategy strategy = Strategy.parse("head@1>last:1@1>full,decay=0.8");
        try (TextClassifier base = model.classifier()) {
            Map<String, Double> before = scores(base);
            Map<String, Double> trained;
            try (FineTuned tuned = model.fineTune(strategy, data(), epochs(4));
                    TextClassifier classifier = tuned.classifier()) {
                assertEquals(List.of("bad", "fine", "good"), classifier.labels());
                assertTrue(Objects.requireNonNull(tuned.report().tuned()).loss()
                        < Objects.requireNonNull(tuned.report().base()).loss());
                assertEquals(tuned.report().all(), tuned.report().trainable());
                trained = scores(classifier);
                tuned.saveMerged(dir.resolve("merged"));
                WrongUseException e = assertThrows(WrongUseException.class, () -> tuned.save(dir.resolve("adapter")));
                assertTrue(String.valueOf(e.getMessage()).contains("saveMerged("), e::getMessage);
                assertFalse(Files.exists(dir.resolve("adapter")));
            }
            assertEquals(before, scores(base));
            try (TextClassifier merged = TextClassifier.open(dir.resolve("merged"))) {
                assertEquals(trained, scores(merged));
            }
        }
    }

    @Test
    void a_language_model_generates_by_what_was_trained() throws IOException {
        GenerationConfig twenty = GenerationConfig.greedy(20);
        try (TextModel llama = TextModel.open(TinyModels.llama(dir.resolve("llama")))) {
            String before = llama.generate("the owl is", twenty);
            String after;
            FineTuned tuned = llama.fineTune(Strategy.parse("last:1"), Dataset.of(TinyModels.sentences(40)), epochs(6));
            try (tuned) {
                after = tuned.generate("the owl is", twenty);
                tuned.saveMerged(dir.resolve("merged"));
            }
            assertNotEquals(before, after);
            assertEquals(before, llama.generate("the owl is", twenty));
            try (TextModel merged = TextModel.open(dir.resolve("merged"))) {
                assertEquals(after, merged.generate("the owl is", twenty));
            }
            assertThrows(WrongUseException.class, () -> tuned.generate("the owl is", twenty));
        }
    }

    @Test
    void threads_train_different_strategies_of_one_model_as_one_after_the_other_does() throws Exception {
        List<String> texts = List.of("head", "last:1", "norms+head", "full,decay=0.5", "cached-head", "biases@1>full");
        List<byte[]> expected = new ArrayList<>();
        for (String text : texts) {
            expected.add(trained(text, "alone"));
        }
        assertNotEquals(expected.get(0).length, 0);
        ExecutorService threads = Executors.newFixedThreadPool(3);
        try {
            List<Callable<byte[]>> runs = new ArrayList<>();
            texts.forEach(text -> runs.add(() -> trained(text, "together")));
            var results = threads.invokeAll(runs);
            for (int i = 0; i < texts.size(); i++) {
                assertArrayEquals(expected.get(i), results.get(i).get(), texts.get(i));
            }
        } finally {
            threads.shutdown();
        }
    }

    private byte[] trained(String strategy, String folder) throws IOException {
        Path out = dir.resolve(folder).resolve(strategy.replaceAll("\\W", "_"));
        try (FineTuned tuned = model.fineTune(Strategy.parse(strategy), data(), epochs(2))) {
            tuned.saveMerged(out);
        }
        return tensors(out);
    }

    @Test
    void a_run_in_a_directory_writes_the_model_and_goes_on_after_it_was_stopped() throws IOException {
        Strategy strategy = Strategy.parse("head@1>full");
        Path whole = dir.resolve("whole");
        model.fineTune(strategy, data(), epochs(3).outputDir(whole)).close();
        assertTrue(Files.exists(dir.resolve("whole-report/report.html")));
        Path stopped = dir.resolve("stopped");
        Cancellation cancellation = new Cancellation();
        TrainingListener atNine = new TrainingListener() {
            @Override
            public void onStep(int step, double loss, double rate, double norm, int tokens, double seconds) {
                if (step == 9) {
                    cancellation.cancel();
                }
            }
        };
        Training inDirectory = epochs(3).outputDir(stopped);
        try (FineTuned half =
                model.fineTune(strategy, data(), inDirectory.listener(atNine).cancelWith(cancellation))) {
            assertTrue(half.report().isInterrupted());
            assertEquals(9, half.report().result().steps());
            assertFalse(Files.exists(stopped.resolve("config.json")));
        }
        assertThrows(BadFileException.class, () -> model.fineTune(strategy, data(), inDirectory));
        byte[] state = Files.readAllBytes(dir.resolve("stopped-report/trainer_state.safetensors"));
        BadInputException e = assertThrows(
                BadInputException.class,
                () -> model.fineTune(Strategy.parse("last:7"), data(), inDirectory.overwrite()));
        assertTrue(String.valueOf(e.getMessage()).contains("has 2 blocks"), e::getMessage);
        assertArrayEquals(state, Files.readAllBytes(dir.resolve("stopped-report/trainer_state.safetensors")));
        model.fineTune(strategy, data(), inDirectory.resume()).close();
        assertArrayEquals(tensors(whole), tensors(stopped));
        try (TextClassifier classifier = TextClassifier.open(stopped)) {
            assertEquals(List.of("bad", "fine", "good"), classifier.labels());
        }
    }

    @Test
    void features_are_taken_from_a_cache() throws IOException {
        Strategy strategy = Strategy.cachedHead();
        Path cache = dir.resolve("cache");
        Training training = epochs(2).featureCache(cache);
        model.fineTune(strategy, data(), training.outputDir(dir.resolve("first")))
                .close();
        byte[] features = Files.readAllBytes(cache.resolve("train.safetensors"));
        model.fineTune(strategy, data(), training.outputDir(dir.resolve("second")))
                .close();
        model.fineTune(strategy, data(), epochs(2).outputDir(dir.resolve("without")))
                .close();
        assertArrayEquals(features, Files.readAllBytes(cache.resolve("train.safetensors")));
        assertArrayEquals(tensors(dir.resolve("first")), tensors(dir.resolve("second")));
        assertArrayEquals(tensors(dir.resolve("first")), tensors(dir.resolve("without")));
        Dataset other = Dataset.of(TinyModels.labelled(30, "good", "bad", "fine"));
        BadFileException e = assertThrows(BadFileException.class, () -> model.fineTune(strategy, other, training));
        assertTrue(String.valueOf(e.getMessage()).contains("hash of the records"), e::getMessage);
    }

    @Test
    void what_would_have_no_effect_or_be_in_the_way_is_refused_before_a_step() {
        Path cache = dir.resolve("out/cache");
        Training cached = epochs(1).featureCache(cache).outputDir(dir.resolve("out"));
        fails("has to be empty", () -> model.fineTune(Strategy.cachedHead(), data(), cached));
        fails("Leave it out", () -> model.fineTune(Strategy.parse("head"), data(), cached));
        fails("adapters are trained", () -> model.fineTune(LoraConfig.of(2, 4), data(), cached));
        fails("trains nothing", () -> model.fineTune(Strategy.parse("pattern:convolution"), data(), epochs(1)));
        fails("no norms that take any", () -> model.fineTune(Strategy.parse("bn-stats"), data(), epochs(1)));
        fails(
                "Name one with outputDir",
                () -> model.fineTune(Strategy.parse("head"), data(), epochs(1).resume()));
        Path base = model.directory();
        assertThrows(
                BadFileException.class,
                () -> model.fineTune(Strategy.parse("head"), data(), epochs(1).outputDir(base)));
        assertFalse(Files.exists(cache));
    }

    private static void fails(String why, Callable<?> use) {
        String message = assertThrows(BadInputException.class, use::call).getMessage();
        assertTrue(message.contains(why), message);
    }

    @Test
    void a_run_on_another_thread_ends_when_its_future_is_cancelled() throws Exception {
        ExecutorService threads = Executors.newSingleThreadExecutor();
        try {
            CompletableFuture<FineTuned> future =
                    model.fineTuneAsync(Strategy.parse("full"), data(), epochs(1), threads);
            try (FineTuned tuned = future.get()) {
                assertNotNull(tuned.report().tuned());
            }
            CompletableFuture<FineTuned> endless =
                    model.fineTuneAsync(Strategy.parse("full"), data(), epochs(1e5), threads);
            endless.cancel(false);
            threads.submit(() -> {}).get(); // behind the run
        } finally {
            threads.shutdown();
        }
    }
}
