package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.adapter.FullFineTuning;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.format.Json;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.train.Trainer;
import dev.peft4j.core.train.TrainingConfig;
import dev.peft4j.core.train.TrainingResult;
import dev.peft4j.models.Models;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A family that lives outside of the library does all that its own families do; docs/ADDING_A_MODEL.md walks through it. What it should compute was made with
 * PyTorch, by {@code make.py} beside the model.
 */
class ParallelFamilyTest {
    static final Path MODEL = Shared.root().resolve("peft-tests/src/test/resources/parallel");
    private static final double CLOSE = 2e-5;

    @TempDir
    Path dir;

    private static Model model() throws IOException {
        return Models.load(MODEL, Backend.host(), 0, 0);
    }

    private static double[] numbers(Object list) {
        return ((List<?>) list)
                .stream().mapToDouble(n -> ((Number) n).doubleValue()).toArray();
    }

    @Test
    void logits_loss_and_gradients_are_those_of_pytorch() throws IOException {
        Map<String, Object> expected = Json.read(MODEL.resolve("expected.json"));
        List<PackedBatch.Sequence> sequences = new ArrayList<>();
        for (Object s : (List<?>) expected.get("sequences")) {
            int[] ids = ((List<?>) s).stream().mapToInt(i -> (Integer) i).toArray();
            sequences.add(PackedBatch.Sequence.labelled(ids, ids));
        }
        PackedBatch batch = PackedBatch.of(sequences);
        try (Model model = model();
                Adapter all = new FullFineTuning(model);
                Arena arena = new Arena(DType.F32)) {
            try (Pass pass = Pass.inference(model.backend(), arena)) {
                float[] logits = model.logits(Call.of(pass), batch).value().toFloats();
                int at = 0;
                for (Object sequence : (List<?>) expected.get("logits")) {
                    for (double wanted : numbers(sequence)) {
                        assertEquals(wanted, logits[at++], CLOSE);
                    }
                }
                assertEquals(logits.length, at);
            }
            try (Pass pass = Pass.training(model.backend(), arena, 1)) {
                double scale = 1.0 / model.scored(Call.of(pass, all), batch);
                double loss = model.loss(Call.of(pass, all), batch, scale).mean();
                assertEquals(((Number) Objects.requireNonNull(expected.get("loss"))).doubleValue(), loss, CLOSE);
                pass.backward();
            }
            Map<?, ?> norms = (Map<?, ?>) expected.get("gradient_norms");
            assertEquals(norms.size(), all.parameters().size());
            for (Parameter p : all.parameters()) {
                double wanted = ((Number) Objects.requireNonNull(norms.get(p.name()), p.name())).doubleValue();
                double norm = Math.sqrt(model.backend().kernels().sumOfSquares(p.grad()));
                assertEquals(wanted, norm, CLOSE * Math.max(1, wanted), p.name());
            }
        }
    }

    static Stream<Arguments> cells() {
        return Methods.all().stream().flatMap(m -> BehaviourMatrixTest.BEHAVIOURS.keySet().stream()
                .filter(b -> !BehaviourMatrixTest.isMeaningless(m, b))
                .map(b -> Arguments.of(m, b)));
    }

    @ParameterizedTest(name = "{0}: {1}")
    @MethodSource("cells")
    void every_method_behaves_as_on_other_families(Methods.Method method, String behaviour) throws IOException {
        try (Model model = model()) {
            Objects.requireNonNull(BehaviourMatrixTest.BEHAVIOURS.get(behaviour))
                    .check(model, method, dir);
        }
    }

    static Stream<Methods.Method> methods() {
        return Methods.all().stream();
    }

    @ParameterizedTest
    @MethodSource("methods")
    void every_method_learns(Methods.Method method) throws IOException {
        try (Model model = model();
                Adapter adapter = method.create(model, 1)) {
            double gain = gain(model, adapter, method.addsRows() ? 3e-2 : 1e-2);
            assertTrue(gain > 0.02, method + " gains " + gain);
        }
    }

    @Test
    void full_fine_tuning_learns() throws IOException {
        try (Model model = model();
                Adapter all = new FullFineTuning(model)) {
            assertTrue(gain(model, all, 1e-2) > 0.5);
        }
    }

    /** The share of the loss that is gone after some steps. */
    private static double gain(Model model, Adapter adapter, double rate) {
        List<PackedBatch.Sequence> records = new ArrayList<>();
        for (int i = 0; i < 16; i++) {
            int[] ids = {i, i + 1, i + 2, i + 3, i + 4};
            records.add(PackedBatch.Sequence.labelled(ids, ids));
        }
        TrainingResult result =
                new Trainer(model, adapter, TrainingConfig.of(60, 8, rate), List.of()).train(records, records);
        double before = Objects.requireNonNull(result.base()).loss();
        return 1 - Objects.requireNonNull(result.tuned()).loss() / before;
    }

    @ParameterizedTest
    @CsvSource({
        "parallel_residual,false",
        "positions,\"rotary\"",
        "activation,\"softsign\"",
        "num_key_value_heads,3",
        "dropout,1.5",
        "context,0"
    })
    void a_field_that_is_not_computed_is_refused_by_its_name(String field, String value) throws IOException {
        Map<String, Object> config = new LinkedHashMap<>(Json.read(MODEL.resolve("config.json")));
        config.put(
                field,
                Objects.requireNonNull(Json.parse("{\"v\":" + value + "}").get("v")));
        Files.writeString(dir.resolve("config.json"), Json.print(config));
        Files.copy(MODEL.resolve("model.safetensors"), dir.resolve("model.safetensors"));
        String message =
                assertThrows(BadFileException.class, () -> Models.load(dir)).getMessage();
        assertTrue(message.contains(field), message);
    }

    @Test
    void the_families_of_all_jars_are_told() throws IOException {
        Files.writeString(dir.resolve("config.json"), "{\"model_type\": \"paralell_decoder\"}");
        Files.copy(MODEL.resolve("model.safetensors"), dir.resolve("model.safetensors"));
        String message =
                assertThrows(BadFileException.class, () -> Models.load(dir)).getMessage();
        assertTrue(
                message.contains(
                        "there are bert, deberta-v2, distilbert, efficientnet, electra, gemma2, gemma3_text, gpt2, llama,"
                                + " mistral, modernbert, parallel_decoder, phi3, qwen2, qwen3, resnet, resnet_cifar,"
                                + " roberta, smollm3, vgg, vit, xlm-roberta."),
                message);
        assertTrue(message.contains("Did you mean parallel_decoder?"), message);
    }

    @Test
    void a_model_is_made_from_nothing() throws IOException {
        try (Model model = Models.random(dir, Json.read(MODEL.resolve("config.json")), Backend.host(), 5);
                Adapter all = new FullFineTuning(model)) {
            assertEquals(List.of(), model.newModules(), "parts of a checkpoint that it does not have");
            assertTrue(gain(model, all, 1e-2) > 0.5);
        }
    }
}
