package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.adapter.FullFineTuning;
import dev.peft4j.core.adapter.TargetModules;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.compose.Active;
import dev.peft4j.core.compose.MergedAdapter;
import dev.peft4j.core.compose.PeftModel;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.format.Json;
import dev.peft4j.core.format.SafetensorsFile;
import dev.peft4j.core.format.SafetensorsWriter;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.core.train.Trainer;
import dev.peft4j.core.train.TrainingConfig;
import dev.peft4j.lora.LoraConfig;
import dev.peft4j.models.Models;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Memory belongs to somebody: what is used after its end, or by two at once, is an error and never a number. */
@ExtendWith(SettledMemory.Each.class)
class LifetimeTest {
    private static final LoraConfig LORA = LoraConfig.of(2, 4).withTarget(TargetModules.allLinearLayers());

    @TempDir
    Path dir;

    private static Adapter lora(Model model, long seed) {
        return Compositions.adapter(model, LORA, seed);
    }

    private static void closed(Runnable use) {
        String message = String.valueOf(
                assertThrows(IllegalStateException.class, use::run).getMessage());
        assertTrue(message.contains("closed") || message.contains("ended"), message);
    }

    static Stream<Consumer<Tensor>> uses() {
        return Stream.of(
                t -> t.get(0, 0),
                t -> t.set(0, 0, 1),
                t -> t.set(new float[6]),
                t -> t.set(new double[6]),
                Tensor::toFloats,
                Tensor::toDoubles,
                t -> t.fill(1),
                Tensor::isFinite,
                t -> t.copy(DType.F32).close(),
                t -> t.rows(0, 1).get(0, 0),
                t -> t.reshape(3, 2).get(0, 0),
                t -> t.columns(0, 1).get(0, 0),
                t -> {
                    try (Tensor other = Tensor.zeros(DType.F32, 2, 3)) {
                        t.copyFrom(other);
                    }
                },
                t -> {
                    try (Tensor other = Tensor.zeros(DType.F32, 2, 3)) {
                        other.copyFrom(t);
                    }
                },
                t -> Backend.host().kernels().sumOfSquares(t));
    }

    @ParameterizedTest
    @MethodSource("uses")
    void a_closed_tensor_is_not_read_or_written(Consumer<Tensor> use) {
        Tensor t = Tensor.of(DType.F32, 2, 3, 1, 2, 3, 4, 5, 6);
        use.accept(t);
        Tensor view = t.rows(0, 2);
        t.close();
        closed(() -> use.accept(t));
        closed(() -> use.accept(view));
    }

    @Test
    void a_closed_pass_takes_nothing_in_use() throws IOException {
        long before = Tensor.nativeBytes();
        try (Model model = Compositions.open("gpt2");
                Arena arena = new Arena(DType.F32)) {
            Adapter adapter = lora(model, 1);
            PeftModel peft = new PeftModel(model);
            peft.add("a", lora(model, 2));
            Pass pass = Pass.inference(model.backend(), arena);
            pass.close();
            closed(() -> Call.of(pass, adapter));
            closed(() -> peft.call(pass, Active.of("a")));
            adapter.close();
            peft.close();
        }
        assertEquals(before, Tensor.nativeBytes());
    }

    @Test
    void a_set_of_adapters_that_is_closed_takes_no_other() throws IOException {
        try (Model model = Compositions.open("gpt2");
                Adapter adapter = lora(model, 1)) {
            PeftModel peft = new PeftModel(model);
            peft.close();
            peft.close();
            closed(() -> peft.add("a", adapter));
            closed(() -> peft.create("b", LORA, 1));
        }
    }

    @Test
    void an_adapter_is_used_with_a_model_of_its_dimensions_only() throws IOException {
        try (Model gpt2 = Compositions.open("gpt2");
                Model same = Compositions.open("gpt2");
                Model llama = Compositions.open("llama");
                PeftModel peft = new PeftModel(llama);
                Adapter adapter = lora(gpt2, 1)) {
            Compositions.logits(same, List.of(adapter));
            for (Executable use : List.<Executable>of(
                    () -> Compositions.logits(llama, List.of(adapter)),
                    () -> peft.add("a", adapter),
                    () -> MergedAdapter.of(llama, List.of(adapter)),
                    () -> new Trainer(llama, adapter, TrainingConfig.of(1, 1, 1e-3), List.of()))) {
                String message = Compositions.message(IllegalArgumentException.class, use);
                assertTrue(message.contains("was made for the gpt2 model"), message);
            }
            assertTrue(Compositions.message(
                            IllegalArgumentException.class,
                            () -> new Trainer(
                                    gpt2, List.of(adapter, adapter), TrainingConfig.of(1, 1, 1e-3), List.of()))
                    .contains("twice"));
        }
    }

    @Test
    void a_place_outside_of_a_tensor_is_an_error() {
        try (Tensor t = Tensor.zeros(DType.F32, 2, 3)) {
            for (int[] place : new int[][] {{2, 0}, {0, 3}, {-1, 0}, {0, -1}, {Integer.MAX_VALUE, 0}}) {
                assertThrows(IndexOutOfBoundsException.class, () -> t.get(place[0], place[1]));
                assertThrows(IndexOutOfBoundsException.class, () -> t.set(place[0], place[1], 1));
            }
        }
        assertThrows(IllegalArgumentException.class, () -> Tensor.zeros(DType.F32, -1, 3));
    }

    @Test
    void values_of_a_pass_end_with_it() throws IOException {
        try (Model model = Compositions.open("llama");
                Arena arena = new Arena(DType.F32)) {
            Tensor logits;
            try (Pass pass = Pass.inference(model.backend(), arena)) {
                logits = model.logits(Call.of(pass), PackedBatch.of(Compositions.IDS))
                        .value();
                logits.get(0, 0);
            }
            closed(() -> logits.get(0, 0));
            closed(() -> logits.rows(0, 1).toFloats());
            Pass over = Pass.inference(model.backend(), arena);
            over.close();
            closed(() -> model.logits(Call.of(over), PackedBatch.of(Compositions.IDS)));
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void an_arena_serves_one_pass_at_a_time(boolean ofTwoThreads) throws Exception {
        try (Model model = Compositions.open("llama");
                Arena arena = new Arena(DType.F32);
                Pass first = Pass.inference(model.backend(), arena)) {
            float[] expected = model.logits(Call.of(first), PackedBatch.of(Compositions.IDS))
                    .value()
                    .toFloats();
            Runnable second = () -> Pass.inference(model.backend(), arena).close();
            if (ofTwoThreads) {
                ExecutorService other = Executors.newSingleThreadExecutor();
                try {
                    Future<?> done = other.submit(() -> assertThrows(IllegalStateException.class, second::run));
                    done.get();
                } finally {
                    other.shutdown();
                }
            } else {
                String message = Compositions.message(IllegalStateException.class, second::run);
                assertTrue(message.contains("arena"), message);
            }
            assertArrayEquals(
                    expected,
                    model.logits(Call.of(first), PackedBatch.of(Compositions.IDS))
                            .value()
                            .toFloats());
        }
    }

    @Test
    void a_closed_arena_takes_no_pass_and_leaks_nothing() throws IOException {
        try (Model model = Compositions.open("llama")) {
            Compositions.logits(model, List.of());
            long before = Tensor.nativeBytes();
            Arena arena = new Arena(DType.F32);
            Pass pass = Pass.inference(model.backend(), arena);
            model.logits(Call.of(pass), PackedBatch.of(Compositions.IDS));
            arena.close(); // while the pass goes on: freed with it
            pass.close();
            assertEquals(before, Tensor.nativeBytes());
            closed(() -> Pass.inference(model.backend(), arena));
        }
    }

    static List<String> adapters() {
        return List.of("LoRA", "merged", "full", "bottleneck", "prompt");
    }

    private static Adapter make(String kind, Model model) {
        return switch (kind) {
            case "LoRA" -> lora(model, 1);
            case "merged" -> {
                try (Adapter one = lora(model, 1)) {
                    yield MergedAdapter.of(model, List.of(one));
                }
            }
            case "full" -> new FullFineTuning(model);
            default ->
                Methods.all().stream()
                        .filter(m -> m.name().startsWith(kind))
                        .findFirst()
                        .orElseThrow()
                        .create(model, 1);
        };
    }

    @ParameterizedTest
    @MethodSource("adapters")
    void a_closed_adapter_acts_in_no_pass(String kind) throws IOException {
        try (Model model = Compositions.open("llama")) {
            Adapter adapter = make(kind, model);
            Compositions.logits(model, List.of(adapter));
            adapter.close();
            closed(() -> Compositions.logits(model, List.of(adapter)));
            if (kind.equals("LoRA")) {
                closed(() -> MergedAdapter.of(model, List.of(adapter)).close());
                assertThrows(IllegalStateException.class, () -> AdapterFiles.save(dir.resolve("a"), model, adapter));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("adapters")
    void an_adapter_that_is_closed_during_a_pass_lasts_until_it_ends(String kind) throws IOException {
        try (Model model = Compositions.open("llama");
                Arena arena = new Arena(DType.F32)) {
            Adapter adapter = make(kind, model);
            float[] expected = Compositions.logits(model, List.of(adapter));
            try (Pass pass = Pass.inference(model.backend(), arena)) {
                Call call = Call.of(pass, adapter);
                adapter.close();
                PackedBatch batch = PackedBatch.of(Compositions.IDS);
                assertArrayEquals(expected, model.logits(call, batch).value().toFloats());
            }
            closed(() -> Compositions.logits(model, List.of(adapter)));
        }
    }

    @Test
    void a_closed_model_computes_nothing_while_passes_that_began_end_as_they_should() throws Exception {
        for (int round = 0; round < 20; round++) {
            Model model = Compositions.open("llama");
            float[] expected = Compositions.logits(model, List.of());
            AtomicBoolean stop = new AtomicBoolean();
            ExecutorService threads = Executors.newFixedThreadPool(3);
            List<Future<?>> all = new ArrayList<>();
            for (int t = 0; t < 3; t++) {
                all.add(threads.submit(() -> {
                    while (!stop.get()) {
                        float[] found;
                        try {
                            found = Compositions.logits(model, List.of());
                        } catch (IllegalStateException e) {
                            return; // closed
                        }
                        assertArrayEquals(expected, found);
                    }
                }));
            }
            Thread.sleep(5);
            model.close();
            stop.set(true);
            for (Future<?> f : all) {
                f.get();
            }
            threads.shutdown();
            closed(() -> Compositions.logits(model, List.of()));
            closed(() -> lora(model, 1).close());
        }
    }

    /** 164 of 3,486 files had the bytes of somebody else. */
    @Test
    void what_is_saved_or_merged_while_it_is_exchanged_is_one_or_the_other() throws Exception {
        try (Model model = Compositions.open("llama");
                PeftModel peft = new PeftModel(model)) {
            Set<String> possible = new HashSet<>();
            List<float[]> merged = new ArrayList<>();
            for (int seed = 0; seed < 2; seed++) {
                try (Adapter a = lora(model, seed)) {
                    AdapterFiles.save(dir.resolve("only" + seed), model, a);
                    possible.add(bytes(dir.resolve("only" + seed)));
                    try (MergedAdapter m = MergedAdapter.of(model, List.of(a))) {
                        merged.add(Compositions.logits(model, List.of(m)));
                    }
                }
            }
            peft.add("x", lora(model, 0));
            AtomicBoolean stop = new AtomicBoolean();
            ExecutorService other = Executors.newSingleThreadExecutor();
            Future<?> swapper = other.submit(() -> {
                for (int i = 1; !stop.get(); i++) {
                    peft.hotSwap("x", lora(model, i % 2));
                }
            });
            try (Arena arena = new Arena(DType.F32)) {
                for (int i = 0; i < 150; i++) {
                    peft.save("x", dir.resolve("x"));
                    assertTrue(possible.contains(bytes(dir.resolve("x"))), "file " + i);
                    peft.merge("m", List.of("x"), PackedBatch.of(Compositions.IDS));
                    float[] found;
                    try (Pass pass = Pass.inference(model.backend(), arena)) {
                        found = model.logits(peft.call(pass, Active.of("m")), PackedBatch.of(Compositions.IDS))
                                .value()
                                .toFloats();
                    }
                    assertTrue(merged.stream().anyMatch(m -> Arrays.equals(m, found)), "merge " + i);
                    peft.delete("m");
                }
            } finally {
                stop.set(true);
                swapper.get();
                other.shutdown();
            }
        }
    }

    private static String bytes(Path adapter) throws IOException {
        return Arrays.toString(Files.readAllBytes(adapter.resolve("adapter_model.safetensors")));
    }

    @Test
    void one_adapter_has_one_name() throws IOException {
        try (Model model = Compositions.open("llama");
                PeftModel peft = new PeftModel(model)) {
            Adapter one = lora(model, 1);
            peft.add("a", one);
            String message = Compositions.message(IllegalArgumentException.class, () -> peft.add("b", one));
            assertTrue(message.contains("\"a\" was to be named \"b\" too"), message);
            assertThrows(IllegalArgumentException.class, () -> peft.hotSwap("a", peft.adapter("a")));
            peft.add("b", lora(model, 2));
            assertThrows(IllegalArgumentException.class, () -> peft.hotSwap("b", one));
            assertTrue(!one.isClosed());
            peft.delete("a");
            assertTrue(one.isClosed());
            assertThrows(IllegalArgumentException.class, () -> peft.add("c", one));
            assertThrows(IllegalArgumentException.class, () -> peft.hotSwap("b", one));
        }
    }

    @ParameterizedTest
    @CsvSource({"97", "1023", "-1", "-2147483648", "2147483647"})
    void a_token_id_that_the_model_does_not_have_is_refused(int id) throws IOException {
        for (String family : List.of("gpt2", "llama", "bert")) {
            try (Model model = Compositions.open(family);
                    Arena arena = new Arena(DType.F32)) {
                assertThrows(IllegalArgumentException.class, () -> {
                    try (Pass pass = Pass.inference(model.backend(), arena)) {
                        model.logits(Call.of(pass), PackedBatch.of(new int[] {1, id, 2}));
                    }
                });
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"gpt2,97", "llama,97", "llama,1023", "llama,-1", "llama,-101", "bert,3", "bert,1000000", "bert,-7"})
    void a_label_that_the_model_does_not_have_is_refused(String family, int label) throws IOException {
        for (Backend backend : List.of(Backend.host(), Backend.nd4j(DType.F32))) {
            try (Model model = Models.load(Methods.MODELS.resolve(family), backend, 0, 0);
                    Arena arena = new Arena(backend.dtype())) {
                assertThrows(IllegalArgumentException.class, () -> {
                    int[] ids = {1, 5, 2};
                    PackedBatch batch = PackedBatch.of(List.of(
                            family.equals("bert")
                                    ? PackedBatch.Sequence.classified(ids, label)
                                    : PackedBatch.Sequence.labelled(ids, 1, label, 2)));
                    try (Pass pass = Pass.inference(model.backend(), arena)) {
                        model.loss(Call.of(pass), batch, 1);
                    }
                });
            }
        }
    }

    @Test
    void sizes_of_zero_are_sizes() throws IOException {
        Path file = dir.resolve("zero.safetensors");
        for (int round = 0; round < 500; round++) { // whatever place malloc gives
            try (Tensor wide = Tensor.zeros(DType.F32, 0, 4);
                    Tensor high = Tensor.zeros(DType.F32, 4, 0);
                    Tensor one = Tensor.of(DType.F32, 1, 1, 7);
                    Tensor copy = wide.copy(DType.F64)) {
                assertEquals(0, wide.toFloats().length);
                assertEquals(0, copy.size());
                assertTrue(high.isFinite());
                high.fill(1);
                high.copyFrom(Tensor.zeros(DType.F32, 4, 0));
                new SafetensorsWriter()
                        .add("wide", wide, 0, 4)
                        .addTransposed("high", high, 0, 4)
                        .add("one", one, 1)
                        .add("last", wide, 0, 4)
                        .write(file);
            }
            try (SafetensorsFile in = SafetensorsFile.open(file);
                    Tensor wide = in.load("wide", DType.F32);
                    Tensor last = in.load("last", DType.F32);
                    Tensor high = in.loadTransposed("high", DType.F32);
                    Tensor one = in.load("one", DType.F32)) {
                assertEquals(7, one.get(0, 0));
                assertEquals(4, last.cols() + wide.rows());
                assertEquals(0, high.size());
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"gpt2", "llama", "bert"})
    void a_model_that_cannot_be_read_leaves_no_memory_behind(String family) throws IOException {
        Path from = Methods.MODELS.resolve(family);
        List<String> names;
        try (SafetensorsFile file = SafetensorsFile.open(from.resolve("model.safetensors"))) {
            names = List.copyOf(file.tensors().keySet());
        }
        Path model = Files.createDirectories(dir.resolve("model"));
        Map<String, Object> config = new LinkedHashMap<>(Json.read(from.resolve("config.json")));
        Files.writeString(model.resolve("config.json"), Json.print(config));
        long before = Tensor.nativeBytes();
        for (String missing : names.subList(0, names.size() - 1)) {
            Files.deleteIfExists(model.resolve("model.safetensors"));
            Files.copy(from.resolve("model.safetensors"), model.resolve("model.safetensors"));
            TensorEdits.rewrite(
                    model.resolve("model.safetensors"), n -> n.equals(missing) ? n + ".elsewhere" : n, Map.of());
            try (Model opened = Models.load(model, Backend.host(), 0, 0)) {
                assertTrue(!opened.newModules().isEmpty(), missing); // a head or pooler, which may be new
            } catch (BadFileException e) {
                assertTrue(String.valueOf(e.getMessage()).contains(missing), e.getMessage());
            }
            assertEquals(before, Tensor.nativeBytes(), missing);
        }
    }
}
