package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.adapter.FullFineTuning;
import dev.peft4j.core.adapter.TargetModules;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.lora.LoraConfig;
import dev.peft4j.models.LoadOptions;
import dev.peft4j.models.ModelInfo;
import dev.peft4j.models.Models;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Whole models on the ND4J engine in single precision compute what they do on the host engine. */
class EnginesTest {
    private static final long SEED = 77;
    private static final double TOLERANCE = 2e-5; // of the largest; the rounding of single precision is some 1e-6 of it

    private static final float ZERO = 1e-6f; // beside the largest gradient

    /** What a model computes for a batch. */
    private record Computed(float[] logits, double loss, Map<String, float[]> gradients) {}

    @ParameterizedTest
    @CsvSource({
        "gpt2,full",
        "llama,full",
        "bert,full",
        "gpt2,lora",
        "llama,lora",
        "bert,lora",
        "llama3_rope,full",
        "mistral,full",
        "qwen3,full",
        "phi3,lora",
        "gemma2,full",
        "gemma3_text,full",
        "roberta_small,full",
        "electra_small,full",
        "distilbert_small,full",
        "deberta_small,full",
        "deberta_c2p,full",
        "modernbert_small,full",
        "bert_vectors,full"
    })
    void logits_loss_and_gradients_are_equal_on_both_engines(String family, String method) throws IOException {
        Computed host = compute(family, method, Backend.host());
        Computed nd4j = compute(family, method, Backend.nd4j(DType.F32));
        assertClose("logits", host.logits, nd4j.logits);
        assertEquals(host.loss, nd4j.loss, TOLERANCE, "loss");
        assertEquals(host.gradients.keySet(), nd4j.gradients.keySet());
        float scale = 0;
        for (float[] g : host.gradients.values()) {
            scale = Math.max(scale, largest(g));
        }
        for (Map.Entry<String, float[]> g : host.gradients.entrySet()) {
            float[] other = nd4j.gradients.get(g.getKey());
            if (largest(g.getValue()) < ZERO * scale) { // of what a softmax ignores, such as biases of keys: rounding
                assertTrue(largest(other) < ZERO * scale, g.getKey());
            } else {
                assertClose(g.getKey(), g.getValue(), other);
            }
        }
    }

    private static Computed compute(String family, String method, Backend backend) throws IOException {
        Path directory = Methods.MODELS.resolve(family);
        TaskType task = TaskBatches.task(family, ModelInfo.read(directory).task());
        try (Model model = Models.load(directory, LoadOptions.on(backend).withTask(task));
                Arena arena = new Arena(DType.F32);
                Adapter adapter = adapter(model, method)) {
            PackedBatch batch = batch(model);
            float[] logits;
            try (Pass pass = Pass.inference(backend, arena)) {
                logits = model.logits(Call.of(pass, adapter), batch).value().toFloats();
            }
            double loss;
            try (Pass pass = Pass.training(backend, arena, SEED)) {
                double scale = 1.0 / model.scored(Call.of(pass, adapter), batch);
                loss = model.loss(Call.of(pass, adapter), batch, scale).mean();
                pass.backward();
            }
            Map<String, float[]> gradients = new LinkedHashMap<>();
            adapter.parameters().forEach(p -> gradients.put(p.name(), p.grad().toFloats()));
            return new Computed(logits, loss, gradients);
        }
    }

    private static Adapter adapter(Model model, String method) {
        if (method.equals("full")) {
            return new FullFineTuning(model);
        }
        LoraConfig config =
                LoraConfig.of(3, 6).withTarget(TargetModules.allLinearLayers()).withDropout(0.2);
        return Compositions.adapter(model, config, SEED);
    }

    private static PackedBatch batch(Model model) {
        return TaskBatches.of(model, new int[][] {{2, 5, 9, 2, 7, 30}, {11}, {1, 8, 8, 1}, {4, 12}});
    }

    private static void assertClose(String name, float[] expected, float[] actual) {
        float largest = largest(expected);
        assertTrue(Float.isFinite(largest) && largest > 1e-6, name + " is " + largest);
        assertArrayEquals(expected, actual, (float) TOLERANCE * largest + 1e-8f, name);
    }

    private static float largest(float[] values) {
        float largest = 0;
        for (float v : values) {
            assertTrue(Float.isFinite(v));
            largest = Math.max(largest, Math.abs(v));
        }
        return largest;
    }
}
