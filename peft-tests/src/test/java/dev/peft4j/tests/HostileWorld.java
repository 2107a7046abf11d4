package dev.peft4j.tests;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.adapter.TargetModules;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.compose.MergedAdapter;
import dev.peft4j.core.compose.PeftModel;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.lora.LoraConfig;
import dev.peft4j.models.CausalModel;
import dev.peft4j.models.TextGenerator;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/** What the threads of {@link HostileTest} share: a base, named adapters, and things that anybody may close at any time. */
final class HostileWorld implements AutoCloseable {
    static final List<String> ACTIONS = List.of(
            "infer",
            "inferOwn",
            "train",
            "trainShared",
            "load",
            "delete",
            "swap",
            "merge",
            "save",
            "tensor",
            "pass",
            "arena",
            "generate",
            "backend",
            "weights",
            "kernels");
    static final int NAMES = 6;

    private static final LoraConfig LORA = LoraConfig.of(2, 4).withTarget(TargetModules.allLinearLayers());
    private static final int SEEDS = 4;

    final CausalModel base;
    final PeftModel peft;
    final Adapter shared; // trained by several
    final float[] plain;
    final List<float[]> expected = new ArrayList<>(); // logits of the adapter of each seed
    final List<float[]> merged = new ArrayList<>();
    final List<String> files = new ArrayList<>();
    final List<Path> saved = new ArrayList<>();
    final List<int[]> generated = new ArrayList<>();
    final String weight;
    final float[] weights;
    final AtomicReferenceArray<@Nullable Tensor> tensors = new AtomicReferenceArray<>(8);
    final AtomicReferenceArray<@Nullable Pass> passes = new AtomicReferenceArray<>(8);
    final AtomicReferenceArray<@Nullable Arena> arenas = new AtomicReferenceArray<>(8);
    final AtomicReference<@Nullable TextGenerator> generator = new AtomicReference<>();
    final AtomicReference<@Nullable Backend> backend = new AtomicReference<>();
    volatile boolean stop;

    HostileWorld(Path dir) throws IOException {
        base = (CausalModel) Compositions.open("llama");
        peft = new PeftModel(base);
        shared = adapter(99);
        plain = infer(List.of());
        for (int seed = 0; seed < SEEDS; seed++) {
            try (Adapter a = adapter(seed)) {
                expected.add(infer(List.of(a)));
                Path file = dir.resolve("saved-" + seed);
                AdapterFiles.save(file, base, a);
                saved.add(file);
                files.add(bytes(file));
                try (MergedAdapter m = MergedAdapter.of(base, List.of(a))) {
                    merged.add(infer(List.of(m)));
                }
            }
            peft.add("a" + seed, adapter(seed));
        }
        weight = base.linearSites().get(0).name() + ".weight";
        weights = BaseTensors.floats(base, weight);
    }

    int seeds() {
        return SEEDS;
    }

    Adapter adapter(long seed) {
        return Compositions.adapter(base, LORA, seed);
    }

    static String bytes(Path adapter) throws IOException {
        return Arrays.toString(Files.readAllBytes(adapter.resolve("adapter_model.safetensors")));
    }

    float[] infer(List<Adapter> adapters) {
        try (Arena arena = new Arena(DType.F32);
                Pass pass = Pass.inference(base.backend(), arena)) {
            return logits(Call.of(pass, adapters));
        }
    }

    float[] logits(Call call) {
        return base.logits(call, PackedBatch.of(Compositions.IDS)).value().toFloats();
    }

    /** Everything that nobody has closed. */
    @Override
    public void close() {
        for (int i = 0; i < tensors.length(); i++) {
            closeAll(tensors.get(i), passes.get(i), arenas.get(i));
        }
        closeAll(generator.get(), backend.get(), shared, peft, base);
    }

    private static void closeAll(@Nullable AutoCloseable... all) {
        for (AutoCloseable one : all) {
            try {
                if (one != null) {
                    one.close();
                }
            } catch (Exception e) {
                throw new AssertionError("closing " + one, e);
            }
        }
    }
}
