package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.Kernels;
import dev.peft4j.core.tensor.MatrixEngine;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.core.train.AdamW;
import dev.peft4j.models.LoadOptions;
import dev.peft4j.models.Models;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What follows from parameters alone (norms of DoRA, changes of weights, rotations) is computed once for passes that infer. */
@ExtendWith(SettledMemory.class)
class KeptChangesTest {
    private static final PackedBatch BATCH = PackedBatch.of(List.of(
            PackedBatch.Sequence.labelled(new int[] {5, 9, 2, 7, 30, 4}, new int[] {5, 9, 2, 7, 30, 4}),
            PackedBatch.Sequence.labelled(new int[] {8, 8, 1}, new int[] {8, 8, 1})));

    private final AtomicLong operations = new AtomicLong();

    @TempDir
    Path dir;

    static Stream<Methods.Method> methods() {
        List<String> kept = List.of("DoRA", "LoHa", "LoKr", "OFT");
        return Methods.all().stream().filter(m -> kept.stream().anyMatch(m.name()::startsWith));
    }

    /** The host engines, whose operations are counted. */
    private Backend counting() {
        return new Backend(
                "counting",
                DType.F32,
                counted(MatrixEngine.class, Backend.host().matrices()),
                counted(Kernels.class, Backend.host().kernels()));
    }

    private <T> T counted(Class<T> type, T engine) {
        return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, (proxy, method, args) -> {
            operations.incrementAndGet();
            try {
                return method.invoke(engine, args);
            } catch (InvocationTargetException e) {
                throw e.getCause();
            }
        }));
    }

    private static Model open(Backend backend) throws IOException {
        return Models.load(Methods.MODELS.resolve("llama"), LoadOptions.on(backend));
    }

    private static float[] logits(Model model, Adapter adapter) {
        try (Arena arena = new Arena(DType.F32);
                Pass pass = Pass.inference(model.backend(), arena)) {
            return model.logits(Call.of(pass, adapter), BATCH).value().toFloats();
        }
    }

    /** By a pass that keeps nothing. */
    private static float[] computedAnew(Model model, Adapter adapter) {
        try (Arena arena = new Arena(DType.F32);
                Pass pass = Pass.differentiable(model.backend(), arena)) {
            return model.logits(Call.of(pass, adapter), BATCH).value().toFloats();
        }
    }

    private long operationsOf(Model model, Adapter adapter) {
        long before = operations.get();
        logits(model, adapter);
        return operations.get() - before;
    }

    @ParameterizedTest
    @MethodSource("methods")
    void the_second_pass_uses_what_the_first_has_computed(Methods.Method method) throws IOException {
        try (Model model = open(counting());
                Adapter adapter = method.create(model, 3)) {
            Methods.randomise(adapter, 4);
            long first = operationsOf(model, adapter);
            long blocks = Tensor.nativeAllocations();
            long second = operationsOf(model, adapter);
            assertTrue(Tensor.nativeAllocations() - blocks <= 2, "the second pass takes an arena and nothing to keep");
            assertTrue(method.name().startsWith("OFT") ? second == first : second < first, first + " " + second);
            assertEquals(second, operationsOf(model, adapter));
            adapter.parameters().get(0).value().set(0, 0, 0.5);
            assertTrue(operationsOf(model, adapter) > second || method.name().startsWith("OFT"));
        }
    }

    @ParameterizedTest
    @MethodSource("methods")
    void what_is_kept_follows_every_change_of_the_parameters(Methods.Method method) throws IOException {
        try (Model model = open(Backend.host());
                Adapter adapter = method.create(model, 3)) {
            Methods.randomise(adapter, 4);
            float[] first = logits(model, adapter);
            assertArrayEquals(computedAnew(model, adapter), first);
            assertArrayEquals(first, logits(model, adapter));
            trainAStep(model, adapter);
            float[] trained = logits(model, adapter);
            assertFalse(Arrays.equals(first, trained), "a training step has no effect");
            assertArrayEquals(computedAnew(model, adapter), trained);
            AdapterFiles.save(dir, model, adapter);
            Methods.randomise(adapter, 5);
            assertArrayEquals(computedAnew(model, adapter), logits(model, adapter));
            try (Adapter loaded = AdapterFiles.load(dir, model)) {
                assertArrayEquals(trained, logits(model, loaded));
            }
        }
    }

    private static void trainAStep(Model model, Adapter adapter) {
        try (Arena arena = new Arena(DType.F32);
                AdamW optimizer = new AdamW(0)) {
            try (Pass pass = Pass.training(model.backend(), arena, 1)) {
                model.loss(Call.of(pass, adapter), BATCH, 0.1);
                pass.backward();
            }
            optimizer.step(model.backend(), adapter.parameters(), 1e-2);
            adapter.parameters().forEach(Parameter::zeroGrad);
        }
    }

    @ParameterizedTest
    @MethodSource("methods")
    void its_memory_ends_with_the_adapter(Methods.Method method) throws IOException {
        try (Model model = open(Backend.host())) {
            try (Adapter first =
                    method.create(model, 3)) { // the first run of a thread takes working memory, which stays
                logits(model, first);
            }
            long before = Tensor.nativeBytes();
            try (Adapter adapter = method.create(model, 3)) {
                long made = Tensor.nativeBytes();
                logits(model, adapter);
                long kept = Tensor.nativeBytes() - made;
                assertTrue(kept > 0, "nothing is kept");
                logits(model, adapter);
                assertEquals(made + kept, Tensor.nativeBytes());
            }
            assertEquals(before, Tensor.nativeBytes());
        }
    }
}
