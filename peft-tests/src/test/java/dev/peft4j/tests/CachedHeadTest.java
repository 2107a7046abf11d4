package dev.peft4j.tests;

import static dev.peft4j.tests.StrategiesTest.images;
import static dev.peft4j.tests.StrategiesTest.sentences;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.adapter.BaseTuning;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.data.Batch;
import dev.peft4j.core.data.Example;
import dev.peft4j.core.data.FeatureBatch;
import dev.peft4j.core.data.ImageBatch;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.data.Targets;
import dev.peft4j.core.data.VariedImage;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.error.StoppedException;
import dev.peft4j.core.format.SafetensorsFile;
import dev.peft4j.core.model.FeatureReader;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.train.Evaluator;
import dev.peft4j.core.train.Strategy;
import dev.peft4j.core.train.Trainer;
import dev.peft4j.core.train.TrainingConfig;
import dev.peft4j.core.train.TrainingResult;
import dev.peft4j.models.LoadOptions;
import dev.peft4j.models.Models;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A head that is trained on features that are computed once, and features of any layer. */
class CachedHeadTest {
    private static final TrainingConfig CONFIG = TrainingConfig.builder()
            .epochs(4)
            .batchSize(4)
            .learningRate(1e-2)
            .seed(1)
            .build();
    private static final Map<String, Object> NO_DROPOUT =
            Map.of("hidden_dropout_prob", 0.0, "attention_probs_dropout_prob", 0.0, "classifier_dropout", 0.0);

    @TempDir
    Path dir;

    private Model open(String name, TaskType task) throws IOException {
        LoadOptions options = LoadOptions.on(Backend.host()).withTask(task).withOutputs(3);
        if (name.equals("bert")) {
            Path to = dir.resolve("bert");
            return Models.load(Files.exists(to) ? to : TinyModels.bert(to, NO_DROPOUT), options);
        }
        return Models.load(
                Shared.root()
                        .resolve("peft-tests/src/test/resources/golden/models")
                        .resolve(name),
                options);
    }

    private static List<Example> tagged(int count) {
        List<Example> all = new ArrayList<>();
        for (Example e : sentences(count)) {
            int[] ids = ((PackedBatch.Sequence) e).ids();
            int[] labels = new int[ids.length];
            Arrays.setAll(labels, j -> j == 0 ? Targets.IGNORE : ids[j] % 3);
            all.add(PackedBatch.Sequence.labelled(ids, labels));
        }
        return all;
    }

    private static List<Example> records(TaskType task, int count) {
        return switch (task) {
            case IMAGE_CLS -> images(count);
            case TOKEN_CLS -> tagged(count);
            default -> sentences(count);
        };
    }

    private static Map<String, float[]> train(Model model, String text, List<Example> records, List<Example> heldOut)
            throws IOException {
        Strategy strategy = Strategy.parse(text);
        try (BaseTuning tuning = strategy.ofCopies(model)) {
            TrainingResult result = new Trainer(model, tuning, CONFIG, List.of())
                    .withStrategy(strategy)
                    .train(records, heldOut);
            Map<String, float[]> values = new LinkedHashMap<>();
            tuning.parameters().forEach(p -> values.put(p.name(), p.value().toFloats()));
            double loss = Evaluator.evaluate(model, List.of(tuning), heldOut).loss();
            assertEquals(loss, result.tuned() == null ? 0 : result.tuned().loss(), 1e-6);
            assertTrue(result.base() != null && result.base().loss() != loss, "it learns");
            return values;
        }
    }

    @ParameterizedTest
    @CsvSource({"bert, SEQ_CLS", "bert, TOKEN_CLS", "resnet_small, IMAGE_CLS", "gpt2, SEQ_CLS"})
    void it_is_the_head_that_is_trained_with_the_base_in_each_step(String name, TaskType task) throws IOException {
        try (Model model = open(name, task)) {
            List<Example> records = records(task, 14);
            List<Example> heldOut = records.subList(0, 5);
            String plain = name.equals("gpt2") ? "cached-head" : "head"; // its base has dropout
            Map<String, float[]> expected = train(model, plain, records, heldOut);
            Map<String, float[]> found = train(model, "cached-head", records, heldOut);
            assertEquals(expected.keySet(), found.keySet());
            expected.forEach((n, v) -> assertArrayEquals(v, found.get(n), 1e-6f, n));
        }
    }

    @Test
    void features_are_kept_and_taken_again() throws IOException {
        Path cache = dir.resolve("cache");
        Strategy strategy = Strategy.cachedHead();
        try (Model model = open("bert", TaskType.SEQ_CLS)) {
            List<float[]> first = List.of();
            for (int i = 0; i < 2; i++) {
                try (BaseTuning tuning = strategy.ofCopies(model)) {
                    new Trainer(model, tuning, CONFIG, List.of())
                            .withStrategy(strategy)
                            .keepFeatures(cache)
                            .train(sentences(9), sentences(4));
                    List<float[]> values = TrainingRunTest.values(tuning);
                    Path file = cache.resolve("train.safetensors");
                    if (i == 0) {
                        first = values;
                        Files.setLastModifiedTime(file, FileTime.fromMillis(0));
                    } else {
                        TrainingRunTest.assertSame(first, values);
                        assertEquals(0, Files.getLastModifiedTime(file).toMillis(), "it was not written again");
                    }
                }
            }
            try (BaseTuning tuning = strategy.ofCopies(model);
                    SafetensorsFile file = SafetensorsFile.open(cache.resolve("train.safetensors"))) {
                assertEquals(9, file.tensors().get("features").rows());
                Trainer other = new Trainer(model, tuning, CONFIG, List.of())
                        .withStrategy(strategy)
                        .keepFeatures(cache);
                String message = assertThrows(UncheckedIOException.class, () -> other.train(sentences(8), List.of()))
                        .getMessage();
                assertTrue(message.contains("hash of the records") && message.contains("Delete"), message);
            }
        }
        try (Model model = open("bert", TaskType.SEQ_CLS);
                BaseTuning tuning = strategy.ofCopies(model)) {
            model.vector("bert.pooler.dense.bias").fill(0.5);
            Trainer other = new Trainer(model, tuning, CONFIG, List.of())
                    .withStrategy(strategy)
                    .keepFeatures(cache);
            String message = assertThrows(UncheckedIOException.class, () -> other.train(sentences(9), List.of()))
                    .getMessage();
            assertTrue(message.contains("hash of the base"), message);
        }
    }

    @Test
    void a_head_that_cannot_be_cut_is_refused() throws IOException {
        Strategy strategy = Strategy.cachedHead();
        try (Model model = open("bert", TaskType.QUESTION_ANS);
                BaseTuning tuning = strategy.ofCopies(model)) {
            Trainer trainer = new Trainer(model, tuning, CONFIG, List.of()).withStrategy(strategy);
            String message = assertThrows(BadInputException.class, () -> trainer.train(sentences(4), List.of()))
                    .getMessage();
            assertTrue(message.contains("cannot be cut") && message.contains("strategy head"), message);
        }
    }

    @Test
    void a_tuning_with_copies_of_more_than_the_head_is_refused() throws IOException {
        Strategy strategy = Strategy.cachedHead();
        try (Model model = open("bert", TaskType.SEQ_CLS);
                BaseTuning full = Strategy.parse("full").ofCopies(model)) {
            Trainer trainer = new Trainer(model, full, CONFIG, List.of());
            String message = assertThrows(BadInputException.class, () -> trainer.withStrategy(strategy))
                    .getMessage();
            assertTrue(message.contains("bert.embeddings.") && message.contains("strategy head"), message);
        }
        try (Model model = open("bert", TaskType.SEQ_CLS);
                BaseTuning full = Strategy.parse("full").inPlace(model)) {
            new Trainer(model, full, CONFIG, List.of()).withStrategy(strategy).train(sentences(4), List.of());
        }
    }

    @Test
    void a_head_that_is_trained_in_place_stays_in_the_model() throws IOException {
        Strategy strategy = Strategy.cachedHead();
        try (Model model = open("resnet_small", TaskType.IMAGE_CLS);
                BaseTuning tuning = strategy.inPlace(model)) {
            new Trainer(model, tuning, CONFIG, List.of()).withStrategy(strategy).train(images(9), List.of());
            for (Parameter p : tuning.parameters()) {
                assertTrue(p.isLent() && p.name().startsWith("classifier."), p.name());
            }
        }
    }

    @Test
    void features_are_the_rows_of_a_layer() throws IOException {
        try (Model model = open("bert", TaskType.SEQ_CLS);
                Arena arena = new Arena(DType.F32)) {
            List<Example> records = sentences(5);
            String last = "bert.encoder.layer.1";
            List<FeatureBatch.Features> all = read(model, last, FeatureReader.Rows.ALL, records);
            List<FeatureBatch.Features> mean = read(model, last, FeatureReader.Rows.MEAN, records);
            List<FeatureBatch.Features> first = read(model, last, FeatureReader.Rows.FIRST, records);
            List<FeatureBatch.Features> pooled = read(model, "bert.pooler.dense", FeatureReader.Rows.ALL, records);
            int row = 0;
            try (Pass pass = Pass.inference(model.backend(), arena)) {
                var hidden =
                        model.hidden(Call.of(pass), Batch.of(records), null).value();
                for (int i = 0; i < records.size(); i++) {
                    int length = records.get(i).length();
                    int width = hidden.cols();
                    assertEquals(length, all.get(i).length());
                    assertArrayEquals(
                            hidden.rows(row, length).toFloats(), all.get(i).values());
                    assertArrayEquals(
                            hidden.rows(row, 1).toFloats(), first.get(i).values());
                    double sum = 0;
                    for (int r = 0; r < length; r++) {
                        sum += hidden.get(row + r, width - 1);
                    }
                    assertEquals(sum / length, mean.get(i).values()[width - 1], 1e-6);
                    assertEquals(1, pooled.get(i).length());
                    row += length;
                }
            }
        }
        try (Model model = open("resnet_small", TaskType.IMAGE_CLS)) {
            List<FeatureBatch.Features> pixels =
                    read(model, "resnet.encoder.stages.0.layers.0", FeatureReader.Rows.ALL, images(2));
            List<FeatureBatch.Features> mean =
                    read(model, "resnet.encoder.stages.1.layers.1", FeatureReader.Rows.MEAN, images(2));
            List<FeatureBatch.Features> classifier =
                    FeatureReader.ofInput(model, List.of(), "classifier.1").read(images(2));
            assertEquals(6, pixels.get(0).width());
            assertEquals(4, pixels.get(0).length());
            assertArrayEquals(classifier.get(1).values(), mean.get(1).values(), 1e-6f);
        }
    }

    @Test
    void images_that_are_made_for_features_are_made_for_some_at_a_time() throws IOException {
        AtomicInteger made = new AtomicInteger();
        List<Example> records = new ArrayList<>();
        for (Example e : images(100)) {
            records.add(new VariedImage(
                    "image " + records.size(),
                    3,
                    e.targets(),
                    () -> {
                        made.incrementAndGet();
                        Thread.currentThread().interrupt(); // which is noticed in front of the next batch
                        return (ImageBatch.Image) e;
                    },
                    null));
        }
        try (Model model = open("resnet_small", TaskType.IMAGE_CLS)) {
            FeatureReader reader = FeatureReader.ofInput(model, List.of(), "classifier.1");
            assertThrows(StoppedException.class, () -> reader.read(records));
            assertEquals(32, made.get());
        } finally {
            Thread.interrupted();
        }
    }

    private static List<FeatureBatch.Features> read(
            Model model, String layer, FeatureReader.Rows rows, List<Example> records) {
        return FeatureReader.ofOutput(model, List.of(), layer, rows).read(records);
    }

    @ParameterizedTest
    @ValueSource(strings = {"bert", "gpt2", "resnet_small", "efficientnet_small", "vgg_small"})
    void each_layer_that_is_named_has_features(String name) throws IOException {
        boolean text = name.equals("bert") || name.equals("gpt2");
        try (Model model = open(name, text ? TaskType.SEQ_CLS : TaskType.IMAGE_CLS)) {
            for (String layer : FeatureReader.layers(model)) {
                List<Example> records = text ? sentences(3) : images(3, name.equals("vgg_small") ? 2 : 3);
                List<FeatureBatch.Features> found = read(model, layer, FeatureReader.Rows.MEAN, records);
                assertEquals(3, found.size(), layer);
                assertEquals(1, found.get(2).length(), layer);
            }
        }
    }

    @Test
    void an_unknown_layer_is_told_with_near_names() throws IOException {
        try (Model model = open("bert", TaskType.SEQ_CLS)) {
            String message = assertThrows(
                            BadInputException.class,
                            () -> FeatureReader.ofOutput(model, List.of(), "bert.pooler.dens", FeatureReader.Rows.ALL))
                    .getMessage();
            assertTrue(message.contains("Did you mean bert.pooler.dense?"), message);
        }
    }
}
