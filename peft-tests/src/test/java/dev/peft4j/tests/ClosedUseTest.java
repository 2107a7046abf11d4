package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.adapter.FullFineTuning;
import dev.peft4j.core.adapter.TargetModules;
import dev.peft4j.core.autograd.Lease;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.compose.MergedAdapter;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.core.train.AdamW;
import dev.peft4j.core.train.Optimizer;
import dev.peft4j.core.train.Sgd;
import dev.peft4j.core.train.Trainer;
import dev.peft4j.core.train.TrainingConfig;
import dev.peft4j.core.train.TrainingListener;
import dev.peft4j.core.train.TrainingResult;
import dev.peft4j.lora.Combination;
import dev.peft4j.lora.LoraCombination;
import dev.peft4j.lora.LoraConfig;
import dev.peft4j.lora.LoraConversion;
import dev.peft4j.models.CausalModel;
import dev.peft4j.models.GenerationConfig;
import dev.peft4j.models.KeyValueCache;
import dev.peft4j.models.Models;
import dev.peft4j.models.TextGenerator;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What works over many operations holds what it works with; what is closed says so, and leaves no memory behind. */
@ExtendWith(SettledMemory.Each.class)
class ClosedUseTest {
    private static final LoraConfig LORA = LoraConfig.of(2, 4).withTarget(TargetModules.allLinearLayers());
    private static final PackedBatch.Sequence RECORD =
            PackedBatch.Sequence.labelled(new int[] {1, 5, 2, 7}, new int[] {1, 5, 2, 7});

    @TempDir
    Path dir;

    /** Threads keep their working memory. */
    @BeforeAll
    static void computeOnce() throws IOException {
        try (Model model = Compositions.open("llama");
                Adapter adapter = lora(model, 1)) {
            train(model, adapter);
        }
    }

    private static Adapter lora(Model model, long seed) {
        return Compositions.adapter(model, LORA, seed);
    }

    private static void closed(Executable use, String what) {
        String message = Compositions.message(IllegalStateException.class, use);
        assertTrue(message.contains(what) && message.contains("closed"), message);
    }

    private static TrainingListener atStep(int step, Runnable action) {
        return new TrainingListener() {
            @Override
            public void onStep(int now, double loss, double rate, double norm, int tokens, double seconds) {
                if (now == step) {
                    action.run();
                }
            }
        };
    }

    private static TrainingResult train(Model model, Adapter adapter, TrainingListener... listeners) {
        return new Trainer(model, adapter, TrainingConfig.of(3, 1, 1e-3), List.of(listeners))
                .train(List.of(RECORD, RECORD), List.of());
    }

    @Test
    void an_adapter_is_trained_by_one_run_at_a_time() throws Exception {
        ExecutorService other = Executors.newSingleThreadExecutor();
        try (Model model = Compositions.open("llama");
                Adapter adapter = lora(model, 1);
                Adapter second = lora(model, 2)) {
            TrainingListener meanwhile = atStep(1, () -> {
                Future<?> done = other.submit(() -> {
                    String message = Compositions.message(IllegalStateException.class, () -> train(model, adapter));
                    assertTrue(message.contains("another run is training"), message);
                    train(model, second); // is no matter of the first
                });
                try {
                    done.get(60, TimeUnit.SECONDS);
                } catch (Exception e) {
                    throw new AssertionError(e);
                }
            });
            assertEquals(3, train(model, adapter, meanwhile).steps());
            train(model, adapter);
        } finally {
            other.shutdown();
        }
    }

    @Test
    void a_base_is_trained_by_one_run_at_a_time() throws IOException {
        try (Model model = Compositions.open("llama");
                Adapter one = new FullFineTuning(model);
                Adapter two = new FullFineTuning(model)) {
            TrainingListener meanwhile =
                    atStep(1, () -> assertThrows(IllegalStateException.class, () -> train(model, two)));
            train(model, one, meanwhile);
            train(model, two);
        }
    }

    @Test
    void records_that_are_taken_away_during_a_run_are_its_own() throws IOException {
        try (Model model = Compositions.open("llama");
                Adapter adapter = lora(model, 1)) {
            List<PackedBatch.Sequence> records = new ArrayList<>(List.of(RECORD, RECORD, RECORD));
            TrainingResult result = new Trainer(
                            model, adapter, TrainingConfig.of(5, 1, 1e-3), List.of(atStep(1, records::clear)))
                    .train(records, List.of());
            assertEquals(5, result.steps());
        }
    }

    @Test
    void a_run_whose_adapter_or_model_is_closed_ends_with_an_error_and_leaves_nothing() throws IOException {
        long before = Tensor.nativeBytes();
        Model model = Compositions.open("llama");
        Adapter adapter = lora(model, 1);
        closed(() -> train(model, adapter, atStep(1, adapter::close)), "an adapter of the method LORA");
        Adapter second = lora(model, 2);
        closed(() -> train(model, second, atStep(2, model::close)), "the llama model");
        second.close();
        closed(() -> train(model, second), "was used after it was closed");
        assertEquals(before, Tensor.nativeBytes());
    }

    static Stream<Optimizer> optimizers() {
        return Stream.of(new AdamW(0.01), new Sgd(0.9, 0));
    }

    @ParameterizedTest
    @MethodSource("optimizers")
    void an_optimizer_of_a_closed_adapter_or_that_is_closed_takes_no_memory(Optimizer optimizer) throws IOException {
        try (Model model = Compositions.open("llama")) {
            long before = Tensor.nativeBytes();
            Adapter adapter = lora(model, 1);
            adapter.close();
            closed(() -> optimizer.step(model.backend(), adapter.parameters(), 1e-3), "belongs to");
            assertEquals(before, Tensor.nativeBytes());
            optimizer.close();
            try (Adapter open = lora(model, 2)) {
                closed(() -> optimizer.step(model.backend(), open.parameters(), 1e-3), "an optimizer");
            }
            assertEquals(before, Tensor.nativeBytes());
        }
    }

    @Test
    void a_closed_model_takes_no_adapter_and_says_so() throws IOException {
        Model model = Compositions.open("llama");
        try (Adapter adapter = lora(model, 1)) {
            AdapterFiles.save(dir.resolve("a"), model, adapter);
            model.close();
            for (Executable use : List.<Executable>of(
                    () -> AdapterFiles.load(dir.resolve("a"), model),
                    () -> AdapterFiles.save(dir.resolve("b"), model, adapter),
                    () -> lora(model, 2),
                    () -> MergedAdapter.of(model, List.of(adapter)),
                    () -> LoraConversion.byRank(model, adapter, 1),
                    () -> LoraCombination.combine(
                            model, List.of(adapter), new double[] {1}, Combination.of(Combination.Type.CAT)))) {
                closed(use, "the llama model of");
            }
        }
    }

    @Test
    void what_is_held_lasts_until_it_is_let_go() throws IOException {
        long before = Tensor.nativeBytes();
        Model model = Compositions.open("llama");
        Adapter adapter = lora(model, 1);
        Lease.Use held = Lease.all(model, List.of(adapter));
        adapter.close();
        model.close();
        assertTrue(adapter.parameters().get(0).value().isFinite());
        closed(() -> Lease.all(model, List.of()), "the llama model");
        held.close();
        held.close();
        assertEquals(before, Tensor.nativeBytes());
    }

    @Test
    void caches_and_generators_say_that_they_are_closed_or_too_small() throws IOException {
        try (CausalModel model = (CausalModel) Compositions.open("llama");
                Arena arena = new Arena(DType.F32)) {
            KeyValueCache cache = model.newCache(2, 8);
            try (Pass pass = Pass.inference(model.backend(), arena)) {
                String message = Compositions.message(
                        IllegalArgumentException.class,
                        () -> model.hidden(Call.of(pass), PackedBatch.of(Compositions.IDS), cache));
                assertTrue(message.contains("3 sequences") && message.contains("for 2"), message);
            }
            cache.close();
            try (Pass pass = Pass.inference(model.backend(), arena)) {
                closed(() -> model.hidden(Call.of(pass), PackedBatch.of(new int[] {1, 2}), cache), "cache");
            }
            TextGenerator generator = new TextGenerator(model, List.of());
            generator.generate(new int[] {1, 2}, GenerationConfig.greedy(2));
            generator.close();
            closed(() -> generator.generate(new int[] {1, 2}, GenerationConfig.greedy(2)), "a text generator");
        }
    }

    @Test
    void a_model_on_a_closed_backend_computes_nothing() throws IOException {
        Backend backend = Backend.host(2);
        try (Model model = Models.load(Methods.MODELS.resolve("llama"), backend, 0, 0)) {
            float[] expected = Compositions.logits(model, List.of());
            try (Model other = Compositions.open("llama")) {
                backend.close();
                closed(() -> Compositions.logits(model, List.of()), "backend");
                assertEquals(0, Compositions.distance(expected, Compositions.logits(other, List.of())));
            }
        }
    }
}
