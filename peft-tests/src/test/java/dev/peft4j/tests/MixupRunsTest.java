package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.Dataset;
import dev.peft4j.FineTuned;
import dev.peft4j.ImageModel;
import dev.peft4j.TextModel;
import dev.peft4j.Training;
import dev.peft4j.core.adapter.BaseTuning;
import dev.peft4j.core.data.Example;
import dev.peft4j.core.data.ImageBatch;
import dev.peft4j.core.data.Targets;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.format.Json;
import dev.peft4j.core.format.SafetensorsFile;
import dev.peft4j.core.format.SafetensorsWriter;
import dev.peft4j.core.format.TensorInfo;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.core.train.Checkpoints;
import dev.peft4j.core.train.Evaluation;
import dev.peft4j.core.train.Evaluator;
import dev.peft4j.core.train.Strategy;
import dev.peft4j.core.train.Trainer;
import dev.peft4j.core.train.TrainingConfig;
import dev.peft4j.core.train.TrainingListener;
import dev.peft4j.core.train.TrainingResult;
import dev.peft4j.lora.LoraConfig;
import dev.peft4j.models.image.Preprocessing;
import dev.peft4j.models.image.Resampling;
import dev.peft4j.models.image.Resize;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Runs on mixed images: the same bits with the same seed, also of a run that goes on; what is never mixed; what is refused. */
class MixupRunsTest {
    private static final Strategy FULL = Strategy.parse("full,statistics=batch");
    private static final TrainingConfig PLAIN = TrainingConfig.builder()
            .epochs(2)
            .batchSize(4)
            .accumulation(2)
            .learningRate(1e-2)
            .seed(3)
            .build();
    private static final TrainingConfig MIXED = PLAIN.withMixup(0.4);

    @TempDir
    Path dir;

    private Model model;

    @BeforeEach
    void open() throws IOException {
        model = StrategiesTest.open("resnet_small");
    }

    @AfterEach
    void close() {
        model.close();
    }

    /** Three steps of an epoch, the last one of batches of four and of two. */
    private static List<Example> records() {
        return StrategiesTest.images(22);
    }

    private List<float[]> run(TrainingConfig config, Strategy strategy) {
        try (BaseTuning tuning = strategy.ofCopies(model)) {
            new Trainer(model, tuning, config, List.of()).withStrategy(strategy).train(records(), List.of());
            return TrainingRunTest.values(tuning);
        }
    }

    private static boolean isSame(List<float[]> a, List<float[]> b) {
        boolean same = true;
        for (int i = 0; i < a.size(); i++) {
            same &= Arrays.equals(a.get(i), b.get(i));
        }
        return same;
    }

    @Test
    void the_same_seed_gives_the_same_bits_and_anything_else_others() {
        List<float[]> mixed = run(MIXED, FULL);
        assertTrue(isSame(mixed, run(MIXED, FULL)));
        assertFalse(isSame(mixed, run(PLAIN, FULL)));
        assertFalse(isSame(mixed, run(PLAIN.withMixup(0.5), FULL)));
        assertFalse(isSame(mixed, run(MIXED.withSeed(4), FULL)));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 4})
    void a_run_goes_on_to_the_same_bits(int stop) {
        List<float[]> whole = run(MIXED, FULL);
        try (BaseTuning tuning = FULL.ofCopies(model)) {
            stopped(tuning, MIXED, stop);
            trainer(tuning, MIXED).resume(state()).train(records(), List.of());
            TrainingRunTest.assertSame(whole, TrainingRunTest.values(tuning));
        }
    }

    private Checkpoints state() {
        return new Checkpoints(dir.resolve("state.safetensors"), 0, Duration.ZERO);
    }

    private Trainer trainer(BaseTuning tuning, TrainingConfig config, TrainingListener... listeners) {
        return new Trainer(model, tuning, config, List.of(listeners)).withStrategy(FULL);
    }

    private void stopped(BaseTuning tuning, TrainingConfig config, int step) {
        Trainer[] running = new Trainer[1];
        running[0] = trainer(tuning, config, TrainingRunTest.atStep(step, () -> running[0].stop()))
                .keepState(state());
        assertTrue(running[0].train(records(), List.of()).interrupted());
    }

    private void refusedToGoOn(BaseTuning tuning, TrainingConfig config, String asked, String found) {
        Trainer other = trainer(tuning, config).resume(state());
        String message = assertThrows(BadInputException.class, () -> other.train(records(), List.of()))
                .getMessage();
        assertTrue(String.valueOf(message).startsWith("a run was to go on with mixup " + asked + ","), message);
        assertTrue(String.valueOf(message).contains(" has " + found + ". Use the settings"), message);
    }

    @Test
    void a_run_does_not_go_on_with_another_alpha_nor_begin_or_cease_to_mix() {
        try (BaseTuning tuning = FULL.ofCopies(model)) {
            stopped(tuning, MIXED, 2);
            refusedToGoOn(tuning, PLAIN.withMixup(0.3), "0.3", "0.4");
            refusedToGoOn(tuning, PLAIN, "nothing", "0.4");
        }
        try (BaseTuning tuning = FULL.ofCopies(model)) {
            stopped(tuning, PLAIN, 2);
            refusedToGoOn(tuning, MIXED, "0.4", "nothing");
        }
    }

    @Test
    void a_state_from_before_there_was_mixup_goes_on_without_it() throws IOException {
        List<float[]> whole = run(PLAIN, FULL);
        try (BaseTuning tuning = FULL.ofCopies(model)) {
            stopped(tuning, PLAIN, 2);
            Path file = dir.resolve("state.safetensors");
            SafetensorsWriter writer = new SafetensorsWriter();
            List<Tensor> loaded = new ArrayList<>();
            try (SafetensorsFile in = SafetensorsFile.open(file)) {
                assertEquals("nothing", in.metadata().get("mixup"));
                for (Map.Entry<String, String> e : in.metadata().entrySet()) {
                    if (!e.getKey().equals("mixup")) {
                        writer.metadata(e.getKey(), e.getValue());
                    }
                }
                for (Map.Entry<String, TensorInfo> e : in.tensors().entrySet()) {
                    Tensor t = in.load(e.getKey(), DType.F32);
                    loaded.add(t);
                    writer.add(e.getKey(), t, t.rows(), t.cols());
                }
                writer.write(dir.resolve("older.safetensors"));
            } finally {
                loaded.forEach(Tensor::close);
            }
            Files.move(dir.resolve("older.safetensors"), file, StandardCopyOption.REPLACE_EXISTING);
            refusedToGoOn(tuning, MIXED, "0.4", "nothing");
            trainer(tuning, PLAIN).resume(state()).train(records(), List.of());
            TrainingRunTest.assertSame(whole, TrainingRunTest.values(tuning));
        }
    }

    private List<Double> losses(TrainingConfig config) {
        List<Double> losses = new ArrayList<>();
        TrainingListener told = new TrainingListener() {
            @Override
            public void onStep(int step, double loss, double rate, double norm, int tokens, double seconds) {
                losses.add(loss);
            }
        };
        try (BaseTuning tuning = FULL.ofCopies(model)) {
            trainer(tuning, config, told).train(records(), List.of());
        }
        return losses;
    }

    /** With an alpha towards 0 a share is 0 or 1: images change places, and labels have to go with them. */
    @Test
    void images_that_change_places_whole_are_the_same_batch() {
        List<Double> plain = losses(PLAIN);
        List<Double> moved = losses(PLAIN.withMixup(1e-300));
        List<Double> mixed = losses(PLAIN.withMixup(1));
        assertEquals(6, plain.size());
        double difference = 0;
        for (int i = 0; i < plain.size(); i++) {
            assertEquals(plain.get(i), moved.get(i), 1e-4);
            difference = Math.max(difference, Math.abs(plain.get(i) - mixed.get(i)));
        }
        assertTrue(difference > 0.1, plain + " and mixed " + mixed);
    }

    @Test
    void evaluations_are_never_mixed() {
        List<Example> heldOut = records();
        TrainingConfig config = MIXED.withEvaluation(2, 0);
        List<Double> evaluated = new ArrayList<>();
        TrainingListener told = new TrainingListener() {
            @Override
            public void onEvaluation(int step, Evaluation evaluation) {
                evaluated.add(evaluation.loss());
            }
        };
        try (BaseTuning tuning = FULL.ofCopies(model)) {
            TrainingResult result = trainer(tuning, config, told).train(records(), heldOut);
            assertEquals(Evaluator.evaluate(model, List.of(), heldOut), result.base());
            assertEquals(Evaluator.evaluate(model, List.of(tuning), heldOut), result.tuned());
        }
        assertEquals(4, evaluated.size());
        try (BaseTuning tuning = FULL.ofCopies(model)) {
            stopped(tuning, config, 2);
            assertEquals(Evaluator.evaluate(model, List.of(tuning), heldOut).loss(), evaluated.get(1));
        }
    }

    @Test
    void statistics_that_are_renewed_are_those_of_images_as_they_are() {
        Strategy renewal = Strategy.parse("bn-stats");
        assertTrue(isSame(run(PLAIN, renewal), run(MIXED, renewal)));
    }

    @Test
    void images_without_a_class_count_for_nothing() {
        List<Example> records = new ArrayList<>();
        for (Example e : records()) {
            ImageBatch.Image image = (ImageBatch.Image) e;
            int label = records.isEmpty() ? 0 : Targets.IGNORE;
            records.add(new ImageBatch.Image(
                    image.values(), 3, image.height(), image.width(), new Targets.Classes(new int[] {label})));
        }
        Strategy head = Strategy.parse("head");
        List<List<float[]>> found = new ArrayList<>();
        for (TrainingConfig config : List.of(PLAIN, MIXED)) { // one label is too few to be mixed
            try (BaseTuning tuning = head.ofCopies(model)) {
                new Trainer(model, tuning, config, List.of()).withStrategy(head).train(records, List.of());
                found.add(TrainingRunTest.values(tuning));
            }
        }
        TrainingRunTest.assertSame(found.get(0), found.get(1));
    }

    private static String refusal(Trainer trainer, List<Example> records) {
        return String.valueOf(assertThrows(BadInputException.class, () -> trainer.train(records, List.of()))
                .getMessage());
    }

    @Test
    void what_cannot_be_mixed_is_refused_before_anything_is_computed() throws IOException {
        Strategy cached = Strategy.cachedHead();
        Path features = dir.resolve("features");
        try (BaseTuning head = cached.ofCopies(model)) {
            Trainer trainer = new Trainer(model, head, MIXED, List.of())
                    .withStrategy(cached)
                    .keepFeatures(features);
            assertTrue(refusal(trainer, records()).contains("with cached-head, whose features"));
            assertFalse(Files.exists(features));
            Trainer other = new Trainer(model, head, MIXED, List.of())
                    .withLoss("mine", model.head().loss());
            assertTrue(refusal(other, records()).contains("with the loss mine, which is not told"));
        }
        try (Model bert = StrategiesTest.open("bert");
                BaseTuning head = Strategy.parse("head").ofCopies(bert)) {
            Trainer trainer = new Trainer(bert, head, MIXED, List.of());
            assertTrue(refusal(trainer, StrategiesTest.sentences(5)).contains("record 0 is no image"));
        }
    }

    @Test
    void the_short_api_mixes_images_of_files_and_refuses_texts() throws IOException {
        Path base = Files.createDirectories(dir.resolve("base"));
        for (String file : List.of("config.json", "model.safetensors")) {
            Files.copy(Methods.MODELS.resolve("resnet_small").resolve(file), base.resolve(file));
        }
        Preprocessing sixteen = Preprocessing.of(3).withResize(Resize.exact(16, 16), Resampling.BILINEAR);
        Files.writeString(base.resolve("preprocessor_config.json"), Json.print(sixteen.toJson()));
        Dataset data =
                Dataset.images(PictureFiles.write(dir.resolve("pictures"), 8)).split(0.25, 1);
        LoraConfig lora = LoraConfig.of(4, 8);
        Training training = Training.epochs(2).batchSize(6).learningRate(2e-2);
        try (ImageModel images = ImageModel.open(base);
                FineTuned plain = images.fineTune(lora, data, training);
                FineTuned mixed =
                        images.fineTune(lora, data, training.mixup(0.4).outputDir(dir.resolve("run")));
                FineTuned again = images.fineTune(lora, data, training.mixup(0.4))) {
            assertEquals(
                    Objects.requireNonNull(plain.report().base()),
                    Objects.requireNonNull(mixed.report().base()));
            assertNotEquals(plain.report().tuned(), mixed.report().tuned());
            assertEquals(again.report().tuned(), mixed.report().tuned());
        }
        assertTrue(Files.readString(dir.resolve("run/report.html")).contains("mixup"));
        try (TextModel texts = TextModel.open(TinyModels.bert(dir.resolve("bert")))) {
            Dataset sentences = Dataset.of(TinyModels.labelled(30, "0", "1", "2"));
            String message = assertThrows(
                            BadInputException.class, () -> texts.fineTune(lora, sentences, training.mixup(0.4)))
                    .getMessage();
            assertTrue(String.valueOf(message).contains("no image"), message);
        }
    }
}
