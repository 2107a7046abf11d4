package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.adapters.bitfit.BitFitConfig;
import dev.peft4j.adapters.norms.NormTuningConfig;
import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.adapter.TargetModules;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.data.Targets;
import dev.peft4j.core.error.NonFiniteException;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.train.Evaluation;
import dev.peft4j.core.train.Schedule;
import dev.peft4j.core.train.Trainer;
import dev.peft4j.core.train.TrainingConfig;
import dev.peft4j.core.train.TrainingListener;
import dev.peft4j.core.train.TrainingResult;
import dev.peft4j.lora.LoraConfig;
import dev.peft4j.models.Models;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a run does with records and settings, and what is left of it when it ends otherwise than planned. */
class TrainingRunTest {
    static final LoraConfig LORA =
            LoraConfig.of(4, 8).withTarget(TargetModules.allLinearLayers()).withDropout(0.1);

    @TempDir
    Path dir;

    /** All settings of a run, with names. */
    record Settings(
            int steps,
            double epochs,
            int batch,
            int accumulation,
            double rate,
            Schedule schedule,
            double warmup,
            double decay,
            double clip,
            int every,
            int patience,
            long seed) {
        static final Settings PLAIN = new Settings(12, 0, 4, 1, 1e-2, Schedule.LINEAR, 0.1, 0.01, 1, 3, 0, 5);

        TrainingConfig config() {
            return TrainingConfig.builder()
                    .steps(steps)
                    .epochs(epochs)
                    .batchSize(batch)
                    .accumulation(accumulation)
                    .learningRate(rate)
                    .schedule(schedule)
                    .warmup(warmup)
                    .weightDecay(decay)
                    .maxGradNorm(clip)
                    .evaluation(every, patience)
                    .seed(seed)
                    .build();
        }
    }

    static Adapter create(PeftConfig config, Model model) {
        return AdapterFiles.method(config.peftType()).create(config, model, 1);
    }

    static List<PackedBatch.Sequence> records(int count, int first) {
        List<PackedBatch.Sequence> all = new ArrayList<>();
        for (int i = first; i < first + count; i++) {
            int[] ids = new int[3 + i % 7];
            Arrays.setAll(ids, j -> (j * 3 + 7) % 97);
            ids[0] = i % 97;
            all.add(PackedBatch.Sequence.labelled(ids, ids));
        }
        return all;
    }

    /** What training on the others soon makes worse. */
    private static List<PackedBatch.Sequence> unlike() {
        List<PackedBatch.Sequence> all = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            int[] ids = {90 - i, 3 * i, 41, 90 - 5 * i, i};
            all.add(PackedBatch.Sequence.labelled(ids, ids));
        }
        return all;
    }

    static List<float[]> values(Adapter adapter) {
        return adapter.parameters().stream().map(p -> p.value().toFloats()).toList();
    }

    static void assertSame(List<float[]> expected, List<float[]> found) {
        for (int i = 0; i < expected.size(); i++) {
            assertArrayEquals(expected.get(i), found.get(i), "parameter " + i);
        }
    }

    static TrainingListener atStep(int at, Runnable action) {
        return new TrainingListener() {
            @Override
            public void onStep(int step, double loss, double rate, double norm, int tokens, double seconds) {
                if (step == at) {
                    action.run();
                }
            }
        };
    }

    static final Runnable KILL = () -> {
        throw new IllegalStateException("killed");
    };

    @ParameterizedTest
    @ValueSource(ints = {1, 4, 100})
    void an_epoch_is_every_record_once_whatever_is_accumulated(int accumulation) throws IOException {
        List<PackedBatch.Sequence> records = records(17, 0);
        long tokens = records.stream().mapToLong(PackedBatch.Sequence::length).sum();
        Settings s = new Settings(0, 2, 2, accumulation, 1e-2, Schedule.LINEAR, 0, 0, 1, 0, 0, 5);
        try (Model model = Compositions.open("llama");
                Adapter adapter = create(LORA, model)) {
            TrainingResult result = new Trainer(model, adapter, s.config(), List.of()).train(records, List.of());
            assertEquals(2 * tokens, result.tokens());
            assertEquals(2 * ((9 + accumulation - 1) / accumulation), result.steps());
        }
    }

    /** A decay of 1 takes a share of the rate from each value in each step. */
    @ParameterizedTest
    @ValueSource(strings = {"gpt2", "llama", "bert"})
    void norms_and_biases_are_not_decayed(String family) throws IOException {
        try (Model model = Compositions.open(family)) {
            for (PeftConfig config : family.equals("llama")
                    ? List.of(NormTuningConfig.ALL)
                    : List.of(NormTuningConfig.ALL, BitFitConfig.ALL)) {
                PeftConfig alone = config.withModulesToSave(List.of());
                assertSame(oneStep(model, alone, 0), oneStep(model, alone, 1));
            }
            List<float[]> without = oneStep(model, LORA.withModulesToSave(List.of()), 0);
            List<float[]> with = oneStep(model, LORA.withModulesToSave(List.of()), 1);
            assertEquals(0.99 * without.get(0)[0], with.get(0)[0], 0.011 * Math.abs(without.get(0)[0]) + 2e-4);
            assertFalse(Arrays.equals(without.get(0), with.get(0)), "LoRA is decayed");
        }
    }

    private static List<float[]> oneStep(Model model, PeftConfig config, double decay) {
        Settings s = new Settings(1, 0, 4, 1, 1e-2, Schedule.CONSTANT, 0, decay, 1, 0, 0, 5);
        List<PackedBatch.Sequence> records = records(8, 0);
        if (!model.taskModules().isEmpty()) {
            records = records.stream()
                    .map(r -> PackedBatch.Sequence.classified(r.ids(), r.ids()[0] % 3))
                    .toList();
        }
        try (Adapter adapter = create(config, model)) {
            new Trainer(model, adapter, s.config(), List.of()).train(records, List.of());
            return values(adapter);
        }
    }

    @Test
    void what_is_left_of_another_pass_or_of_a_run_that_failed_is_no_part_of_a_step() throws IOException {
        try (Model model = Compositions.open("llama")) {
            List<float[]> clean;
            try (Adapter adapter = create(LORA, model)) {
                new Trainer(model, adapter, Settings.PLAIN.config(), List.of()).train(records(20, 0), List.of());
                clean = values(adapter);
            }
            try (Adapter adapter = create(LORA, model)) {
                List<float[]> start = values(adapter);
                adapter.parameters().forEach(p -> p.grad().fill(Double.NaN));
                Parameter bad = adapter.parameters().get(2);
                bad.value().set(0, 0, Double.NaN);
                assertThrows(
                        NonFiniteException.class, () -> new Trainer(model, adapter, Settings.PLAIN.config(), List.of())
                                .train(records(20, 0), List.of()));
                for (int i = 0; i < start.size(); i++) {
                    adapter.parameters().get(i).value().set(start.get(i));
                }
                new Trainer(model, adapter, Settings.PLAIN.config(), List.of()).train(records(20, 0), List.of());
                assertSame(clean, values(adapter));
            }
        }
    }

    @Test
    void a_batch_without_a_scored_token_ends_no_run() throws IOException {
        List<PackedBatch.Sequence> records = new ArrayList<>(records(6, 0));
        List<PackedBatch.Sequence> silent = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            int[] labels = new int[4];
            Arrays.fill(labels, Targets.IGNORE);
            silent.add(PackedBatch.Sequence.labelled(new int[] {1, 2, 3, i}, labels));
        }
        records.addAll(silent);
        Settings s = new Settings(0, 1, 1, 1, 1e-2, Schedule.LINEAR, 0, 0, 1, 0, 0, 5);
        AtomicInteger told = new AtomicInteger();
        TrainingListener counter = new TrainingListener() {
            @Override
            public void onStep(int step, double loss, double rate, double norm, int tokens, double seconds) {
                assertTrue(Double.isFinite(loss));
                told.incrementAndGet();
            }
        };
        try (Model model = Compositions.open("llama");
                Adapter adapter = create(LORA, model)) {
            TrainingResult result = new Trainer(model, adapter, s.config(), List.of(counter)).train(records, List.of());
            assertEquals(12, result.steps());
            assertEquals(6, told.get());
            assertTrue(Compositions.message(
                            IllegalArgumentException.class,
                            () -> new Trainer(model, adapter, s.config(), List.of()).train(silent, List.of()))
                    .contains("none has a token to learn from"));
        }
    }

    /** The held-out loss is not finite once the rate has driven the parameters there. */
    @Test
    void a_run_that_diverges_ends_with_an_error_and_its_best_parameters() throws IOException {
        Settings s = new Settings(40, 0, 4, 1, 3e3, Schedule.CONSTANT, 0.5, 0, 0, 1, 40, 5);
        List<Evaluation> told = new ArrayList<>();
        List<List<float[]>> best = new ArrayList<>();
        try (Model model = Compositions.open("llama");
                Adapter adapter = create(LORA, model)) {
            TrainingListener watch = new TrainingListener() {
                @Override
                public void onEvaluation(int step, Evaluation e) {
                    told.add(e);
                    if (step == 20) {
                        adapter.parameters().get(1).value().fill(3e38);
                    }
                }

                @Override
                public void onBest(int step, Evaluation e) {
                    best.add(values(adapter));
                }
            };
            assertThrows(NonFiniteException.class, () -> new Trainer(model, adapter, s.config(), List.of(watch))
                    .keepState(dir.resolve("state.safetensors"))
                    .train(records(20, 0), records(5, 50)));
            assertTrue(told.stream().allMatch(e -> Double.isFinite(e.loss())), told::toString);
            assertSame(best.get(best.size() - 1), values(adapter));
        }
    }

    @Test
    void parameters_that_are_not_finite_are_not_saved_over_those_that_are() throws IOException {
        try (Model model = Compositions.open("llama");
                Adapter adapter = create(LORA, model)) {
            AdapterFiles.save(dir, model, adapter);
            byte[] before = Files.readAllBytes(dir.resolve("adapter_model.safetensors"));
            adapter.parameters().get(3).value().set(0, 0, Double.NaN);
            assertThrows(NonFiniteException.class, () -> AdapterFiles.save(dir, model, adapter));
            assertArrayEquals(before, Files.readAllBytes(dir.resolve("adapter_model.safetensors")));
            Settings s = new Settings(1, 0, 4, 1, 1e300, Schedule.CONSTANT, 0, 0, 1, 0, 0, 5);
            try (Adapter other = create(LORA, model)) { // one step is enough, and nothing is evaluated
                assertThrows(NonFiniteException.class, () -> new Trainer(model, other, s.config(), List.of())
                        .train(records(20, 0), List.of()));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void a_run_that_is_stopped_keeps_its_state_and_goes_on_to_the_same_bits(boolean byInterrupt) throws IOException {
        Path state = dir.resolve("state.safetensors");
        try (Model model = Compositions.open("llama");
                Adapter whole = create(LORA, model);
                Adapter stopped = create(LORA, model);
                Adapter resumed = create(LORA, model)) {
            TrainingResult end =
                    new Trainer(model, whole, Settings.PLAIN.config(), List.of()).train(records(20, 0), records(5, 50));
            List<Trainer> trainers = new ArrayList<>();
            TrainingListener stopper = atStep(7, () -> {
                if (byInterrupt) {
                    Thread.currentThread().interrupt();
                } else {
                    trainers.get(0).stop();
                }
            });
            trainers.add(new Trainer(model, stopped, Settings.PLAIN.config(), List.of(stopper)).keepState(state));
            TrainingResult first = trainers.get(0).train(records(20, 0), records(5, 50));
            assertEquals(byInterrupt, Thread.interrupted(), "an interrupt is there for the caller, too");
            assertTrue(first.interrupted() && first.steps() == 7, first::toString);
            TrainingResult second = new Trainer(model, resumed, Settings.PLAIN.config(), List.of())
                    .resume(state)
                    .train(records(20, 0), records(5, 50));
            assertSame(values(whole), values(resumed));
            assertEquals(end.base(), second.base());
            assertEquals(end.tuned(), second.tuned());
            assertEquals(end.tokens(), second.tokens());
        }
    }

    @Test
    void a_run_that_was_stopped_before_it_began_makes_no_step() throws IOException {
        try (Model model = Compositions.open("llama");
                Adapter adapter = create(LORA, model)) {
            List<float[]> start = values(adapter);
            Trainer trainer = new Trainer(model, adapter, Settings.PLAIN.config(), List.of());
            trainer.stop();
            TrainingResult result = trainer.train(records(20, 0), records(5, 50));
            assertTrue(result.interrupted() && result.steps() == 0, result::toString);
            assertSame(start, values(adapter));
        }
    }

    /** Wherever it is killed: best values, best loss and the count are part of the state. */
    @ParameterizedTest
    @ValueSource(ints = {4, 7, 11, 14, 17})
    void early_stopping_goes_on_as_if_nothing_had_happened(int killedAt) throws IOException {
        Settings s = new Settings(60, 0, 4, 1, 0.05, Schedule.CONSTANT, 0, 0, 1, 3, 3, 5);
        Path state = dir.resolve("state.safetensors");
        try (Model model = Compositions.open("llama");
                Adapter whole = create(LORA, model);
                Adapter killed = create(LORA, model);
                Adapter resumed = create(LORA, model)) {
            TrainingResult end = new Trainer(model, whole, s.config(), List.of()).train(records(20, 0), unlike());
            assertTrue(end.stoppedEarly() && end.steps() < 60, end::toString);
            try {
                TrainingResult r = new Trainer(model, killed, s.config(), List.of(atStep(killedAt, KILL)))
                        .keepState(state)
                        .train(records(20, 0), unlike());
                assertTrue(r.steps() < killedAt, "it ended before it was killed");
            } catch (IllegalStateException e) {
                assertEquals("killed", e.getMessage());
            }
            TrainingResult again = new Trainer(model, resumed, s.config(), List.of())
                    .resume(state)
                    .train(records(20, 0), unlike());
            assertSame(values(whole), values(resumed));
            assertEquals(end.tuned(), again.tuned());
            assertEquals(end.steps(), again.steps());
        }
    }

    @Test
    void names_of_a_config_that_mean_nothing_are_refused_when_training_starts() throws IOException {
        Path adapter = Shared.require("cases/names-that-match-nothing/alpha");
        try (Model model = Models.load(Shared.require("cases/_models/llama"));
                Adapter read = AdapterFiles.load(adapter, model)) {
            assertNotNull(read);
            String message = Compositions.message(
                    IllegalArgumentException.class, () -> new Trainer(model, read, Settings.PLAIN.config(), List.of()));
            assertTrue(message.contains("vision.q_proj"), message);
        }
    }
}
