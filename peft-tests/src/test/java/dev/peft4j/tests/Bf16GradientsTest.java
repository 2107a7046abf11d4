package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.adapter.BaseTuning;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.adapter.FullFineTuning;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.data.ImageBatch;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.format.Json;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.train.Strategy;
import dev.peft4j.core.weight.WeightFormat;
import dev.peft4j.models.LoadOptions;
import dev.peft4j.models.Models;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/**
 * Training with products of 16 bits: gradients are no farther from those of exact products than PyTorch's under autocast
 * (scripts/make-bf16-goldens.py), which rounds more. On a processor without such products they are emulated.
 */
class Bf16GradientsTest {
    private static final Path GOLDEN = Shared.root().resolve("peft-tests/src/test/resources/golden");

    /** What a pass gives: its loss, and the gradient of each trained tensor. */
    private record Result(double loss, Map<String, double[]> gradients) {
        static Result of(String family, boolean lora, PackedBatch batch, Backend backend, WeightFormat format)
                throws IOException {
            LoadOptions options = LoadOptions.on(backend).withFormat(format);
            try (Model model = Models.load(GOLDEN.resolve("models").resolve(family), options);
                    Adapter adapter = lora
                            ? AdapterFiles.load(GOLDEN.resolve("cases/" + family + "/lora/adapter"), model)
                            : new FullFineTuning(model);
                    Arena arena = new Arena(DType.F32);
                    Pass pass = Pass.differentiable(backend, arena)) {
                Call call = Call.of(pass, adapter);
                double loss =
                        model.loss(call, batch, 1.0 / model.scored(call, batch)).mean();
                pass.backward();
                Map<String, double[]> gradients = new LinkedHashMap<>();
                for (Parameter p : adapter.parameters()) {
                    gradients.put(p.name(), p.grad().toDoubles());
                }
                return new Result(loss, gradients);
            }
        }
    }

    private static PackedBatch batch(Map<?, ?> of) {
        List<PackedBatch.Sequence> all = new ArrayList<>();
        int[][] rows = GoldenCase.rows(of.get("ids"));
        for (int i = 0; i < rows.length; i++) {
            all.add(
                    of.get("family").equals("bert")
                            ? PackedBatch.Sequence.classified(rows[i], i % 2)
                            : PackedBatch.Sequence.labelled(rows[i], rows[i]));
        }
        return PackedBatch.of(all);
    }

    /** In a network of convolutions, of which one has a kernel of 1 x 1 and others have more. */
    @Test
    void trained_convolutions_are_computed_as_those_of_the_base() throws IOException {
        Backend sixteen = EmulatedEngine.backend(Backend.host());
        LoadOptions options = LoadOptions.on(sixteen).withFormat(WeightFormat.autocast());
        ImageBatch images = ImageBatch.of(StrategiesTest.images(2).stream()
                .map(ImageBatch.Image.class::cast)
                .toList());
        try (Model model = Models.load(GOLDEN.resolve("models/resnet_small"), options);
                Model exact = Models.load(GOLDEN.resolve("models/resnet_small"), LoadOptions.on(sixteen));
                BaseTuning copies = Strategy.parse("pattern:convolution").ofCopies(model);
                Arena arena = new Arena(DType.F32)) {
            List<float[]> logits = new ArrayList<>();
            try (Pass pass = Pass.inference(sixteen, arena)) {
                logits.add(model.logits(Call.of(pass), images).value().toFloats());
                logits.add(model.logits(Call.of(pass, List.of(copies)), images)
                        .value()
                        .toFloats());
                assertFalse(Arrays.equals(
                        logits.get(0),
                        exact.logits(Call.of(pass), images).value().toFloats()));
            }
            assertArrayEquals(logits.get(0), logits.get(1));
        }
    }

    @Test
    void gradients_are_as_near_as_those_of_autocast() throws IOException {
        Backend single = Backend.host();
        Backend sixteen = single.matrices().bf16() != null ? single : EmulatedEngine.backend(single);
        assertNotNull(sixteen.matrices().bf16());
        List<?> cases = (List<?>) Json.read(GOLDEN.resolve("bf16.json")).get("cases");
        assertEquals(6, cases.size());
        for (Object o : cases) {
            Map<?, ?> c = (Map<?, ?>) o;
            String family = String.valueOf(c.get("family"));
            boolean lora = c.get("method").equals("lora");
            String what = family + " " + c.get("method");
            PackedBatch batch = batch(c);
            Backend plain = EmulatedEngine.without(single);
            // LoRA's base has 16 bits on both sides, so that products alone differ; the master weights of full
            // fine-tuning have not
            Result exact = Result.of(family, lora, batch, plain, lora ? WeightFormat.bf16() : WeightFormat.full());
            Result found =
                    Result.of(family, lora, batch, sixteen, lora ? WeightFormat.bf16() : WeightFormat.autocast());
            assertEquals(GoldenCase.number(c.get("loss")), exact.loss, 2e-5, what);
            double allowed = Math.abs(GoldenCase.number(c.get("loss_autocast")) - exact.loss);
            assertEquals(exact.loss, found.loss, Math.max(2e-3, allowed), what);
            assertTrue(Math.abs(exact.loss - found.loss) > 1e-7, () -> what + ": nothing was rounded");
            double ours = 0;
            double theirs = 0;
            for (Object t : ((Map<?, ?>) c.get("tensors")).values()) {
                theirs += Math.pow(GoldenCase.number(((List<?>) t).get(1)), 2);
            }
            for (Map.Entry<String, double[]> e : exact.gradients.entrySet()) {
                double[] other = found.gradients.get(e.getKey());
                assertNotNull(other);
                for (int i = 0; i < other.length; i++) {
                    ours += Math.pow(other[i] - e.getValue()[i], 2);
                }
            }
            assertEquals(((Map<?, ?>) c.get("tensors")).size(), exact.gradients.size(), what);
            double distance = Math.sqrt(ours);
            double limit = Math.sqrt(theirs);
            assertTrue(distance <= limit, () -> what + ": " + distance + " and under autocast " + limit);
            assertTrue(distance > 1e-6, () -> what + ": nothing was rounded");
        }
    }
}
