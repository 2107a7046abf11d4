package dev.peft4j.lora;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.ModelSites;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.models.Models;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.function.Executable;

/** Models of a few thousand parameters, adapters for them and what they compute. */
final class SmallModels {
    private static final int[][] IDS = {{5, 9, 2, 7, 30, 4}, {11, 3}, {8, 8, 1}};

    private SmallModels() {}

    static Model open(String family) throws IOException {
        Path models = Path.of(System.getProperty("peft4j.root", ".."), "peft-tests/src/test/resources/golden/models");
        return Models.load(models.resolve(family), Backend.host(), 0, 0);
    }

    static Adapter adapter(Model model, PeftConfig config, long seed) {
        Adapter a = AdapterFiles.method(config.peftType()).create(config, model, seed);
        randomise(a, seed);
        return a;
    }

    /** Gives every parameter values that have an effect; copies of the base and factors stay near what they are. */
    static void randomise(Adapter adapter, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        for (Parameter p : adapter.parameters()) {
            String name = p.name();
            boolean factor = name.contains("lora_") || name.contains("oft_");
            boolean near = !factor && (name.endsWith(".weight") || name.contains("trainable_tokens"));
            near |= name.contains("magnitude");
            double deviation = name.contains("oft_") ? 0.1 : 0.2;
            for (int r = 0; r < p.value().rows(); r++) {
                for (int c = 0; c < p.value().cols(); c++) {
                    double g = random.nextGaussian();
                    double old = p.value().get(r, c);
                    p.value().set(r, c, near ? old * (1 + 0.15 * g) + 0.02 * g : deviation * g);
                }
            }
        }
    }

    static float[] logits(Model model, List<Adapter> adapters) {
        try (Arena arena = new Arena(DType.F32);
                Pass pass = Pass.inference(model.backend(), arena)) {
            return model.logits(Call.of(pass, adapters), PackedBatch.of(IDS))
                    .value()
                    .toFloats();
        }
    }

    static float[] floats(ModelSites model, String name) {
        try (Tensor values = model.weight(name).copy(DType.F32)) {
            return values.toFloats();
        }
    }

    static double distance(float[] a, float[] b) {
        assertEquals(a.length, b.length);
        double worst = 0;
        for (int i = 0; i < a.length; i++) {
            worst = Math.max(worst, Math.abs(a[i] - b[i]));
        }
        return worst;
    }

    static String message(Class<? extends Exception> type, Executable action) {
        return String.valueOf(assertThrows(type, action).getMessage());
    }
}
