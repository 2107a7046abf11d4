package dev.peft4j.tests;

import static dev.peft4j.tests.StrategiesTest.images;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.adapter.BaseTuning;
import dev.peft4j.core.data.Example;
import dev.peft4j.core.data.ImageBatch;
import dev.peft4j.core.data.Targets;
import dev.peft4j.core.error.NonFiniteException;
import dev.peft4j.core.error.WrongUseException;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.train.Checkpoints;
import dev.peft4j.core.train.Schedule;
import dev.peft4j.core.train.Strategy;
import dev.peft4j.core.train.Trainer;
import dev.peft4j.core.train.TrainingConfig;
import dev.peft4j.core.train.TrainingListener;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Running statistics of norms, which a run moves although nobody derives them. */
class RunningStatisticsTest {
    private static final Strategy RENEWAL = Strategy.parse("bn-stats");
    private static final TrainingConfig CONFIG = TrainingConfig.builder()
            .epochs(3)
            .batchSize(4)
            .learningRate(1e-2)
            .warmup(0)
            .schedule(Schedule.CONSTANT)
            .seed(3)
            .build();

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

    private static Example changed(Example given, float[] values, int label) {
        ImageBatch.Image image = (ImageBatch.Image) given;
        return new ImageBatch.Image(
                values, image.channels(), image.height(), image.width(), new Targets.Classes(new int[] {label}));
    }

    @ParameterizedTest
    @ValueSource(floats = {Float.NaN, 1e30f})
    void a_batch_that_is_not_finite_does_not_move_them(float value) {
        List<Example> records = images(4);
        float[] values = ((ImageBatch.Image) records.get(2)).values().clone();
        Arrays.fill(values, 3, 40, value);
        records.set(2, changed(records.get(2), values, 0));
        for (String text : List.of("bn-stats", "full,statistics=batch")) {
            Strategy strategy = Strategy.parse(text);
            try (BaseTuning tuning = strategy.ofCopies(model)) {
                List<float[]> before = TrainingRunTest.values(tuning);
                Trainer trainer = new Trainer(model, tuning, CONFIG, List.of()).withStrategy(strategy);
                String message = assertThrows(NonFiniteException.class, () -> trainer.train(records, List.of()))
                        .getMessage();
                assertTrue(String.valueOf(message).contains("resnet.embedder"), message);
                TrainingRunTest.assertSame(before, TrainingRunTest.values(tuning));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 4})
    void a_run_goes_on_with_the_tuning_that_it_has_moved(int stop) {
        List<Example> records = images(12);
        List<float[]> expected;
        try (BaseTuning whole = RENEWAL.ofCopies(model)) {
            new Trainer(model, whole, CONFIG, List.of()).withStrategy(RENEWAL).train(records, List.of());
            expected = TrainingRunTest.values(whole);
        }
        try (BaseTuning tuning = RENEWAL.ofCopies(model)) {
            Checkpoints state = new Checkpoints(dir.resolve("state.safetensors"), 0, Duration.ZERO);
            Trainer[] running = new Trainer[1];
            TrainingListener stopper = TrainingRunTest.atStep(stop, () -> running[0].stop());
            running[0] = new Trainer(model, tuning, CONFIG, List.of(stopper))
                    .withStrategy(RENEWAL)
                    .keepState(state);
            assertTrue(running[0].train(records, List.of()).interrupted());
            new Trainer(model, tuning, CONFIG, List.of())
                    .withStrategy(RENEWAL)
                    .resume(state)
                    .train(records, List.of());
            TrainingRunTest.assertSame(expected, TrainingRunTest.values(tuning));
        }
    }

    @Test
    void two_runs_do_not_move_the_same_ones_at_once() {
        try (BaseTuning tuning = RENEWAL.ofCopies(model)) {
            List<String> messages = new ArrayList<>();
            Trainer second = new Trainer(model, tuning, CONFIG, List.of()).withStrategy(RENEWAL);
            TrainingListener meanwhile = TrainingRunTest.atStep(
                    1,
                    () -> messages.add(String.valueOf(
                            assertThrows(WrongUseException.class, () -> second.train(images(4), List.of()))
                                    .getMessage())));
            new Trainer(model, tuning, CONFIG, List.of(meanwhile))
                    .withStrategy(RENEWAL)
                    .train(images(8), List.of());
            assertEquals(1, messages.size());
            assertTrue(messages.get(0).contains("running_"), messages::toString);
            second.train(images(4), List.of());
        }
    }

    @Test
    void images_without_a_class_count_for_them() {
        List<Example> labelled = images(8);
        List<Example> others = new ArrayList<>();
        for (Example e : labelled) {
            int label = others.isEmpty() ? 0 : Targets.IGNORE;
            others.add(changed(e, ((ImageBatch.Image) e).values(), label));
        }
        List<List<float[]>> found = new ArrayList<>();
        for (List<Example> records : List.of(labelled, others)) {
            try (BaseTuning tuning = RENEWAL.ofCopies(model)) {
                List<float[]> before = TrainingRunTest.values(tuning);
                new Trainer(model, tuning, CONFIG, List.of())
                        .withStrategy(RENEWAL)
                        .train(records, List.of());
                found.add(TrainingRunTest.values(tuning));
                assertFalse(Arrays.equals(before.get(0), found.get(0).get(0)));
            }
        }
        TrainingRunTest.assertSame(found.get(0), found.get(1));
    }
}
