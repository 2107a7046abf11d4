package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.adapters.bottleneck.BottleneckConfig;
import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.adapter.Attachment;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.adapter.TargetModules;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.error.NonFiniteException;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.core.train.Evaluation;
import dev.peft4j.core.train.Evaluator;
import dev.peft4j.core.train.HtmlReport;
import dev.peft4j.core.train.Trainer;
import dev.peft4j.core.train.TrainingConfig;
import dev.peft4j.core.train.TrainingListener;
import dev.peft4j.core.train.TrainingResult;
import dev.peft4j.lora.LoraConfig;
import dev.peft4j.lora.LoraMethod;
import dev.peft4j.lora.adalora.AdaLoraConfig;
import dev.peft4j.lora.adalora.RankSchedule;
import dev.peft4j.models.Models;
import dev.peft4j.prompt.PTuningConfig;
import dev.peft4j.prompt.PrefixTuningConfig;
import dev.peft4j.prompt.PromptSettings;
import dev.peft4j.prompt.PromptTuningConfig;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@ExtendWith(SettledMemory.Each.class)
class TrainerTest {
    private static final Path MODELS = Shared.root().resolve("peft-tests/src/test/resources/golden/models");

    @TempDir
    Path dir;

    private static Model open() throws IOException {
        return Models.load(MODELS.resolve("llama"), Backend.host(), 0, 0);
    }

    private static Adapter lora(Model model) {
        LoraConfig config =
                LoraConfig.of(4, 8).withTarget(TargetModules.allLinearLayers()).withDropout(0.1);
        return new LoraMethod().create(config, model, 3);
    }

    /** Sequences of different lengths in which each token is the one before plus three. */
    private static List<PackedBatch.Sequence> records(int count, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        List<PackedBatch.Sequence> all = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            int[] ids = new int[3 + random.nextInt(20)];
            int start = random.nextInt(90);
            for (int j = 0; j < ids.length; j++) {
                ids[j] = (start + 3 * j) % 97;
            }
            all.add(PackedBatch.Sequence.labelled(ids, ids));
        }
        return all;
    }

    private static float[] train(long seed) throws IOException {
        try (Model model = open();
                Adapter adapter = lora(model)) {
            new Trainer(model, adapter, TrainingConfig.of(20, 4, 1e-2).withSeed(seed), List.of())
                    .train(records(50, 1), List.of());
            List<Float> all = new ArrayList<>();
            for (Parameter p : adapter.parameters()) {
                for (float v : p.value().toFloats()) {
                    all.add(v);
                }
            }
            float[] out = new float[all.size()];
            for (int i = 0; i < out.length; i++) {
                out[i] = all.get(i);
            }
            return out;
        }
    }

    @Test
    void the_same_seed_gives_the_same_bits_and_another_does_not() throws IOException {
        float[] first = train(7);
        assertArrayEquals(first, train(7));
        assertFalse(Arrays.equals(first, train(8)));
    }

    @Test
    void the_loss_falls_and_the_report_shows_base_and_tuned() throws IOException {
        HtmlReport report = new HtmlReport("a <test> & more", Map.of("k", "v<w>"));
        try (Model model = open();
                Adapter adapter = lora(model)) {
            TrainingResult result = new Trainer(
                            model, adapter, TrainingConfig.of(60, 8, 2e-2).withEvaluation(20, 0), List.of(report))
                    .train(records(100, 1), records(20, 2));
            assertNotNull(result.base());
            assertNotNull(result.tuned());
            assertTrue(result.tuned().loss() < 0.8 * result.base().loss(), result.toString());
            assertFalse(result.isWorse());
        }
        Path file = dir.resolve("report.html");
        report.addSample("<b>", "x", "y");
        report.write(file);
        String html = Files.readString(file);
        assertTrue(html.contains("a &lt;test&gt; &amp; more")
                && html.contains("v&lt;w&gt;")
                && html.contains("&lt;b&gt;"));
        assertTrue(html.contains("<svg") && html.contains("perplexity") && html.contains("tuned"));
        assertFalse(html.contains("http://") || html.contains("src="), "the page needs nothing else");
    }

    private static Adapter create(PeftConfig config, Model model, long seed) {
        return AdapterFiles.method(config.peftType()).create(config, model, seed);
    }

    private static List<float[]> values(Adapter adapter) {
        return adapter.parameters().stream().map(p -> p.value().toFloats()).toList();
    }

    private static void assertSame(List<float[]> expected, List<float[]> found) {
        for (int i = 0; i < expected.size(); i++) {
            assertArrayEquals(expected.get(i), found.get(i));
        }
    }

    @Test
    void an_adapter_is_trained_on_a_frozen_one_of_another_kind() throws IOException {
        TrainingConfig config = TrainingConfig.of(30, 8, 2e-2);
        try (Model model = open();
                Adapter below = create(BottleneckConfig.houlsby(4), model, 1);
                Adapter above = lora(model)) {
            TrainingResult first = new Trainer(model, below, config, List.of()).train(records(60, 1), records(10, 2));
            below.freeze();
            List<float[]> before = values(below);
            TrainingResult second =
                    new Trainer(model, List.of(below, above), config, List.of()).train(records(60, 1), records(10, 2));
            assertSame(before, values(below));
            Evaluation start = Objects.requireNonNull(second.base());
            Evaluation end = Objects.requireNonNull(second.tuned());
            assertEquals(first.tuned(), start, "it begins where the frozen one ended");
            assertTrue(end.loss() < start.loss(), second.toString());
            above.freeze();
            assertThrows(
                    IllegalArgumentException.class, () -> new Trainer(model, List.of(below, above), config, List.of()));
        }
    }

    @Test
    void a_record_that_does_not_fit_behind_the_rows_of_adapters_is_refused_before_the_first_step() throws IOException {
        try (Model model = open(); // a context of 48 tokens
                Adapter prompt = create(PromptTuningConfig.of(20), model, 1);
                Adapter prefix = create(PrefixTuningConfig.of(9), model, 1)) {
            Trainer trainer = new Trainer(model, List.of(prompt, prefix), TrainingConfig.of(5, 4, 1e-2), List.of());
            int[] ids = new int[20];
            List<PackedBatch.Sequence> records = new ArrayList<>(
                    records(30, 1).stream().filter(r -> r.length() < 20).toList());
            records.add(PackedBatch.Sequence.labelled(ids, ids));
            String message =
                    String.valueOf(assertThrows(IllegalArgumentException.class, () -> trainer.train(records, List.of()))
                            .getMessage());
            assertTrue(message.contains("20 tokens") && message.contains("take 29") && message.contains("19"), message);
            trainer.train(records.subList(0, records.size() - 1), List.of());
        }
    }

    /** Two of one kind have parameters of the same names. */
    @Test
    void adapters_that_are_trained_together_go_on_to_the_same_bits() throws IOException {
        TrainingConfig config =
                TrainingConfig.of(6, 4, 1e-2).withEvaluation(3, 0).withGroupByLength();
        try (Model model = open();
                Adapter one = lora(model);
                Adapter two = create(LoraConfig.of(2, 8), model, 5);
                Adapter three = create(PromptTuningConfig.of(2), model, 6)) {
            List<Adapter> all = List.of(one, two, three);
            List<List<float[]>> start = all.stream().map(TrainerTest::values).toList();
            Path state = dir.resolve("trainer_state.safetensors");
            Path half = dir.resolve("half.safetensors");
            TrainingListener copier = new TrainingListener() {
                @Override
                public void onStep(int step, double loss, double rate, double norm, int tokens, double seconds) {
                    if (step == 4) { // the state is that of step 3
                        try {
                            Files.copy(state, half);
                        } catch (IOException e) {
                            throw new UncheckedIOException(e);
                        }
                    }
                }
            };
            new Trainer(model, all, config, List.of(copier)).keepState(state).train(records(20, 1), records(4, 2));
            List<List<float[]>> whole = all.stream().map(TrainerTest::values).toList();
            for (int i = 0; i < all.size(); i++) {
                assertFalse(Arrays.equals(start.get(i).get(0), whole.get(i).get(0)), "adapter " + i);
                set(all.get(i), start.get(i));
            }
            new Trainer(model, all, config, List.of()).resume(half).train(records(20, 1), records(4, 2));
            for (int i = 0; i < all.size(); i++) {
                assertSame(whole.get(i), values(all.get(i)));
            }
        }
    }

    private static void set(Adapter adapter, List<float[]> values) {
        for (int i = 0; i < values.size(); i++) {
            adapter.parameters().get(i).value().set(values.get(i));
        }
    }

    /** Also the ranks of AdaLoRA, which depend on what it has seen, and the networks behind prompts, which are in no file of PEFT. */
    @ParameterizedTest
    @ValueSource(strings = {"LoRA", "AdaLoRA", "prefix", "P-tuning"})
    void a_run_that_was_stopped_goes_on_to_the_same_bits(String method) throws IOException {
        TrainingConfig config =
                TrainingConfig.of(12, 4, 1e-2).withEvaluation(5, 0).withSeed(3);
        PeftConfig peft =
                switch (method) {
                    case "LoRA" -> LoraConfig.of(4, 8).withDropout(0.2);
                    case "AdaLoRA" ->
                        new AdaLoraConfig(
                                new RankSchedule(4, 2, 1, 2, 1, 0.85, 0.85, 0),
                                8,
                                0.2,
                                0.5,
                                Map.of(),
                                Attachment.DEFAULT);
                    case "prefix" -> PrefixTuningConfig.of(3).withProjection(5); // PEFT cannot go on with these two
                    default -> new PTuningConfig(PromptSettings.of(3), PTuningConfig.Encoder.LSTM, 4, 2, 0.1);
                };
        try (Model model = Models.load(Methods.MODELS.resolve("llama"), Backend.host(), 0, 0);
                Adapter whole = AdapterFiles.method(peft.peftType()).create(peft, model, 1);
                Adapter stopped = AdapterFiles.method(peft.peftType()).create(peft, model, 1);
                Adapter resumed = AdapterFiles.method(peft.peftType()).create(peft, model, 2)) {
            List<PackedBatch.Sequence> records = new ArrayList<>();
            for (int i = 0; i < 18; i++) {
                int[] ids = {i, 2 * i, 90 - i, i + 3};
                records.add(PackedBatch.Sequence.labelled(ids, ids));
            }
            new Trainer(model, whole, config, List.of()).train(records, records.subList(0, 3));
            TrainingListener killer = new TrainingListener() {
                @Override
                public void onStep(int step, double loss, double rate, double norm, int tokens, double seconds) {
                    if (step == 8) {
                        throw new IllegalStateException("killed");
                    }
                }
            };
            Path state = dir.resolve("trainer_state.safetensors");
            assertThrows(IllegalStateException.class, () -> new Trainer(model, stopped, config, List.of(killer))
                    .keepState(state)
                    .train(records, records.subList(0, 3)));
            new Trainer(model, resumed, config, List.of()).resume(state).train(records, records.subList(0, 3));
            for (int i = 0; i < whole.parameters().size(); i++) {
                assertArrayEquals(
                        whole.parameters().get(i).value().toFloats(),
                        resumed.parameters().get(i).value().toFloats(),
                        whole.parameters().get(i).name());
            }
            IllegalArgumentException other = assertThrows(
                    IllegalArgumentException.class, () -> new Trainer(model, resumed, config.withSeed(4), List.of())
                            .resume(state)
                            .train(records, List.of()));
            assertTrue(String.valueOf(other.getMessage()).contains("seed 4"), other::toString);
        }
    }

    @Test
    void early_stopping_puts_the_best_parameters_back() throws IOException {
        try (Model model = open();
                Adapter adapter = lora(model)) {
            TrainingResult result = new Trainer(
                            model, adapter, TrainingConfig.of(400, 4, 0.3).withEvaluation(5, 2), List.of())
                    .train(records(30, 1), records(20, 2));
            assertTrue(result.stoppedEarly(), "a rate of 0.3 makes the model worse");
            assertTrue(result.steps() < 400);
            double kept =
                    Evaluator.evaluate(model, List.of(adapter), records(20, 2)).loss();
            assertEquals(result.tuned().loss(), kept, 1e-6);
        }
    }

    @Test
    void a_value_that_is_not_finite_stops_the_run_with_its_name() throws IOException {
        try (Model model = open();
                Adapter adapter = lora(model)) {
            Parameter bad = adapter.parameters().get(4);
            bad.value().set(0, 0, Double.POSITIVE_INFINITY);
            NonFiniteException e = assertThrows(NonFiniteException.class, () -> new Trainer(
                            model, adapter, TrainingConfig.of(5, 4, 1e-2), List.of())
                    .train(records(10, 1), List.of()));
            assertTrue(e.getMessage().contains(bad.name()), e.getMessage());
        }
    }

    @Test
    void no_records_and_nothing_trainable_are_errors() throws IOException {
        try (Model model = open();
                Adapter adapter = lora(model)) {
            Trainer trainer = new Trainer(model, adapter, TrainingConfig.of(5, 4, 1e-2), List.of());
            assertThrows(IllegalArgumentException.class, () -> trainer.train(List.of(), List.of()));
            adapter.parameters().forEach(p -> p.setTrainable(false));
            assertThrows(
                    IllegalArgumentException.class,
                    () -> new Trainer(model, adapter, TrainingConfig.of(5, 4, 1e-2), List.of()));
        }
    }

    @Test
    void memory_stays_flat_over_500_steps_and_a_steady_step_allocates_nothing() throws IOException {
        long[] allocations = new long[501];
        long[] resident = new long[501];
        TrainingListener watch = new TrainingListener() {
            @Override
            public void onStep(int step, double loss, double rate, double norm, int tokens, double seconds) {
                allocations[step] = Tensor.nativeAllocations();
                resident[step] = resident();
            }
        };
        long before = Tensor.nativeBytes();
        try (Model model = open();
                Adapter adapter = lora(model)) {
            new Trainer(model, adapter, TrainingConfig.of(500, 8, 1e-3), List.of(watch))
                    .train(records(200, 1), List.of());
        }
        assertEquals(allocations[50], allocations[500], "native blocks allocated after step 50");
        assertEquals(before, Tensor.nativeBytes(), "native bytes after everything is closed");
        if (resident[50] > 0) {
            assertTrue(
                    resident[500] <= 1.02 * resident[50],
                    () -> "resident kB at step 50: " + resident[50] + ", at step 500: " + resident[500]);
        }
    }

    /** Resident set in kB, or 0 where the system does not tell. */
    private static long resident() {
        try {
            for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
                if (line.startsWith("VmRSS:")) {
                    return Long.parseLong(line.replaceAll("[^0-9]", ""));
                }
            }
        } catch (IOException e) {
            return 0;
        }
        return 0;
    }
}
