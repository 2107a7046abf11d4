package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.compose.MergedModel;
import dev.peft4j.core.data.ImageBatch;
import dev.peft4j.core.data.Targets;
import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.format.Json;
import dev.peft4j.core.format.SafetensorsFile;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.LinearSite;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.lora.LoraConfig;
import dev.peft4j.lora.LoraMethod;
import dev.peft4j.models.Models;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** ViT: names of versions of transformers, sizes of images, adapters of single images, dropout. */
class VitTest {
    private static final Path BASE = Methods.MODELS.resolve("vit_small");
    private static final Path CASES = Methods.MODELS.resolveSibling("cases").resolve("vit_small");
    private static final String TENSORS = "model.safetensors";
    private static final String ADAPTER_CONFIG = "adapter_config.json";
    private static final int HEIGHT = 15;
    private static final int WIDTH = 12;

    @TempDir
    Path dir;

    private static ImageBatch images(int height, int width, int count) {
        SplittableRandom random = new SplittableRandom(7);
        List<ImageBatch.Image> all = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            float[] values = new float[height * width];
            for (int p = 0; p < values.length; p++) {
                values[p] = (float) random.nextGaussian();
            }
            all.add(new ImageBatch.Image(values, 1, height, width, new Targets.Classes(new int[] {i % 3})));
        }
        return ImageBatch.of(all);
    }

    private static Model open(Path directory) throws IOException {
        return Models.load(directory, Backend.host(), 0, 0);
    }

    private static float[] logits(Model model, Adapter... adapters) {
        try (Arena arena = new Arena(DType.F32);
                Pass pass = Pass.inference(model.backend(), arena)) {
            return model.logits(Call.of(pass, List.of(adapters)), images(HEIGHT, WIDTH, 4))
                    .value()
                    .toFloats();
        }
    }

    private static Set<String> names(Path file) throws IOException {
        try (SafetensorsFile f = SafetensorsFile.open(file)) {
            return new TreeSet<>(f.tensors().keySet());
        }
    }

    /** The small model with fields of its config changed. */
    private Path base(Map<String, Object> fields) throws IOException {
        Path to = Files.createTempDirectory(dir, "model");
        Files.copy(BASE.resolve(TENSORS), to.resolve(TENSORS));
        Map<String, Object> config = new LinkedHashMap<>(Json.read(BASE.resolve("config.json")));
        config.putAll(fields);
        Files.writeString(to.resolve("config.json"), Json.print(config));
        return to;
    }

    /** Names of transformers 5, as the golden case lists them. */
    private static String today(String name) {
        try {
            Map<?, ?> older =
                    (Map<?, ?>) Json.read(CASES.resolve("base/case.json")).get("checkpoint_names");
            for (Map.Entry<?, ?> e : older.entrySet()) {
                if (name.startsWith(e.getValue() + ".")) {
                    return e.getKey()
                            + name.substring(String.valueOf(e.getValue()).length());
                }
            }
            return name;
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void both_names_of_a_checkpoint_are_read_and_written_as_they_were() throws IOException {
        Path newer = base(Map.of());
        TensorEdits.rewrite(newer.resolve(TENSORS), VitTest::today, Map.of());
        assertTrue(names(BASE.resolve(TENSORS)).contains("vit.encoder.layer.2.attention.output.dense.bias"));
        assertTrue(names(newer.resolve(TENSORS)).contains("vit.layers.2.attention.o_proj.bias"));
        List<float[]> found = new ArrayList<>();
        for (Path directory : List.of(BASE, newer)) {
            Path merged = Files.createTempDirectory(dir, "merged");
            try (Model model = open(directory);
                    Adapter adapter = new LoraMethod().create(LoraConfig.of(2, 2), model, 1)) {
                assertEquals(
                        "vit.layers.0.attention.q_proj",
                        model.linearSites().stream()
                                .map(LinearSite::name)
                                .filter(n -> n.contains("q_proj"))
                                .findFirst()
                                .orElseThrow());
                Methods.randomise(adapter, 3);
                MergedModel.write(merged, model, adapter);
                found.add(logits(model, adapter));
            }
            assertEquals(names(directory.resolve(TENSORS)), names(merged.resolve(TENSORS)));
            try (Model model = open(merged)) {
                assertArrayEquals(found.get(0), logits(model), 1e-5f);
            }
        }
        assertArrayEquals(found.get(0), found.get(1));
    }

    @Test
    void a_missing_tensor_is_told_by_the_name_that_the_checkpoint_would_have() throws IOException {
        Path newer = base(Map.of());
        TensorEdits.rewrite(newer.resolve(TENSORS), VitTest::today, Map.of());
        for (Path directory : List.of(base(Map.of()), newer)) {
            String missing = directory == newer
                    ? "vit.layers.1.mlp.fc1.weight"
                    : "vit.encoder.layer.1.intermediate.dense.weight";
            TensorEdits.rewrite(directory.resolve(TENSORS), n -> n.equals(missing) ? "other" : n, Map.of());
            String said = String.valueOf(
                    assertThrows(BadFileException.class, () -> open(directory)).getMessage());
            assertTrue(said.contains("tensor " + missing + " "), said);
        }
    }

    @Test
    void a_base_without_a_head_is_read_for_classes() throws IOException {
        Path base = base(Map.of("architectures", List.of("ViTModel")));
        TensorEdits.rewrite(
                base.resolve(TENSORS), n -> n.startsWith("vit.") ? n.substring(4) : "pooler." + n, Map.of());
        try (Model model = open(base)) {
            assertEquals(TaskType.IMAGE_CLS, model.taskType());
            assertEquals(List.of("classifier"), model.newModules());
            assertEquals(4 * 3, logits(model).length);
        }
    }

    /** The adapter of the golden case that transformers 4 would have made, with fields of its config changed. */
    private Path older(Map<String, Object> fields) throws IOException {
        Path to = Files.createTempDirectory(dir, "adapter");
        Path from = CASES.resolve("lora/adapter_v4");
        Files.copy(from.resolve("adapter_model.safetensors"), to.resolve("adapter_model.safetensors"));
        Map<String, Object> config = new HashMap<>(Json.read(from.resolve(ADAPTER_CONFIG)));
        config.putAll(fields);
        Files.writeString(to.resolve(ADAPTER_CONFIG), Json.print(config));
        return to;
    }

    @Test
    void fields_with_older_names_mean_what_they_meant() throws IOException {
        String projection = "vit.embeddings.patch_embeddings.projection";
        List<String> all = List.of("dense", "query", "key", "value", "projection");
        List<Map<String, Object>> same = List.of(
                Map.of("target_modules", List.of("attention.query", "output.dense", projection)),
                Map.of("target_modules", ".*(query|\\.output\\.dense|projection)"),
                Map.of("target_modules", "vit\\.(?!layers)(?!.*intermediate).*(query|dense|projection)"),
                Map.of("target_modules", all, "exclude_modules", List.of("intermediate.dense", "key", "value")),
                Map.of("target_modules", all, "exclude_modules", ".*(intermediate.*|key|value)"),
                Map.of(
                        "target_modules",
                        List.of("query", "output.dense", projection),
                        "layers_to_transform",
                        List.of(0, 1, 2),
                        "layers_pattern",
                        "encoder.layer"),
                Map.of("rank_pattern", Map.of("1.output.dense", 3)),
                Map.of("modules_to_save", List.of("classifier", "vit.layernorm")));
        try (Model model = open(BASE)) {
            float[] expected;
            try (Adapter adapter = AdapterFiles.load(CASES.resolve("lora/adapter"), model)) {
                expected = logits(model, adapter);
            }
            for (Map<String, Object> fields : same) {
                try (Adapter adapter = AdapterFiles.load(older(fields), model)) {
                    assertArrayEquals(expected, logits(model, adapter), fields::toString);
                }
            }
            for (Map<String, Object> fields : List.<Map<String, Object>>of(
                    Map.of("target_modules", all),
                    Map.of("target_modules", List.of("q_proj", "o_proj", "fc2")),
                    Map.of("layers_to_transform", List.of(0, 1), "layers_pattern", "encoder.layer"))) {
                assertThrows(BadFileException.class, () -> AdapterFiles.load(older(fields), model), fields::toString);
            }
        }
    }

    @Test
    void an_older_adapter_is_saved_with_names_of_today() throws IOException {
        Path saved = dir.resolve("saved");
        try (Model model = open(BASE);
                Adapter adapter = AdapterFiles.load(older(Map.of()), model)) {
            AdapterFiles.save(saved, model, adapter);
            Path newer = CASES.resolve("lora/adapter");
            assertEquals(
                    names(newer.resolve("adapter_model.safetensors")),
                    names(saved.resolve("adapter_model.safetensors")));
            Map<String, Object> config = Json.read(saved.resolve(ADAPTER_CONFIG));
            assertEquals(Set.of("q_proj", "o_proj", "fc2", "projection"), Set.copyOf((List<?>)
                    config.get("target_modules")));
            assertEquals(Map.of("vit.layers.1.mlp.fc2", 3), config.get("rank_pattern"));
        }
    }

    @Test
    void images_of_another_size_are_refused() throws IOException {
        try (Model model = open(BASE);
                Arena arena = new Arena(DType.F32);
                Pass pass = Pass.inference(model.backend(), arena)) {
            ImageBatch turned = images(12, 15, 1);
            String said =
                    String.valueOf(assertThrows(BadInputException.class, () -> model.logits(Call.of(pass), turned))
                            .getMessage());
            assertTrue(said.contains("12 x 15") && said.contains("15 x 12") && said.contains("Resize"), said);
            String named = String.valueOf(assertThrows(
                            BadInputException.class,
                            () -> model.requireFits("line 3", turned.images().get(0), 0))
                    .getMessage());
            assertTrue(named.startsWith("line 3: an image of 12 x 15"), named);
        }
    }

    @Test
    void sizes_that_make_no_patches_are_refused() throws IOException {
        for (Map<String, Object> fields : List.<Map<String, Object>>of(
                Map.of("patch_size", List.of(16, 4)),
                Map.of("image_size", List.of(15, 12, 1)),
                Map.of("num_attention_heads", 5),
                Map.of("head_dim", 3))) {
            Path directory = base(fields);
            String said = String.valueOf(
                    assertThrows(BadFileException.class, () -> open(directory)).getMessage());
            assertTrue(said.contains(fields.keySet().iterator().next()), said);
        }
    }

    @Test
    void images_of_a_batch_have_class_rows_and_positions_of_their_own_adapters() throws IOException {
        try (Model model = open(BASE);
                Adapter one = new LoraMethod()
                        .create(
                                LoraConfig.of(2, 2).withModulesToSave(List.of("vit.embeddings", "classifier")),
                                model,
                                1);
                Adapter other = new LoraMethod().create(LoraConfig.of(2, 2), model, 2);
                Arena arena = new Arena(DType.F32)) {
            Methods.randomise(one, 3);
            one.parameters().stream()
                    .filter(p -> p.name().endsWith("cls_token") || p.name().endsWith("position_embeddings"))
                    .forEach(p -> p.value().fill(0.3));
            Methods.randomise(other, 4);
            float[] ofOne = logits(model, one);
            float[] ofOther = logits(model, other);
            float[] ofNone = logits(model);
            List<List<Adapter>> each = List.of(List.of(one), List.of(one), List.of(), List.of(other));
            float[] mixed;
            try (Pass pass = Pass.inference(model.backend(), arena)) {
                mixed = model.logits(Call.perSequence(pass, each), images(HEIGHT, WIDTH, 4))
                        .value()
                        .toFloats();
            }
            float[][] expected = {ofOne, ofOne, ofNone, ofOther};
            for (int i = 0; i < mixed.length; i++) {
                assertEquals(expected[i / 3][i], mixed[i], 1e-5f, "logit " + i);
            }
            assertTrue(Math.abs(ofOne[0] - ofNone[0]) > 1e-2f);
            checkGradients(model, one, each, arena);
        }
    }

    /** Those of the copies are those of the images that have them. */
    private static void checkGradients(Model model, Adapter one, List<List<Adapter>> each, Arena arena) {
        List<Parameter> trained = one.parameters();
        try (Pass pass = Pass.differentiable(model.backend(), arena)) {
            model.loss(Call.perSequence(pass, each), images(HEIGHT, WIDTH, 4), 1);
            pass.backward();
        }
        Map<String, float[]> mixed = new HashMap<>();
        trained.forEach(p -> mixed.put(p.name(), p.grad().toFloats()));
        trained.forEach(Parameter::zeroGrad);
        ImageBatch both = ImageBatch.of(images(HEIGHT, WIDTH, 4).images().subList(0, 2));
        try (Pass pass = Pass.differentiable(model.backend(), arena)) {
            model.loss(Call.of(pass, one), both, 1);
            pass.backward();
        }
        for (Parameter p : trained) {
            assertArrayEquals(p.grad().toFloats(), mixed.get(p.name()), 1e-4f, p.name());
            assertTrue(model.backend().kernels().sumOfSquares(p.grad()) > 0, p.name());
        }
    }

    @Test
    void each_dropout_acts_in_training_only() throws IOException {
        for (String field : List.of("hidden_dropout_prob", "attention_probs_dropout_prob")) {
            try (Model plain = open(BASE);
                    Model model = open(base(Map.of(field, 0.4)))) {
                assertArrayEquals(logits(plain), logits(model), field);
                assertArrayEquals(trainingLogits(model, 1), trainingLogits(model, 1), field);
                assertFalse(close(trainingLogits(model, 1), trainingLogits(model, 2)), field);
                assertFalse(close(trainingLogits(model, 1), logits(model)), field);
                assertTrue(close(trainingLogits(plain, 1), logits(plain)), field);
            }
        }
    }

    private static float[] trainingLogits(Model model, long seed) {
        try (Arena arena = new Arena(DType.F32);
                Pass pass = Pass.training(model.backend(), arena, seed)) {
            return model.logits(Call.of(pass), images(HEIGHT, WIDTH, 4)).value().toFloats();
        }
    }

    private static boolean close(float[] a, float[] b) {
        for (int i = 0; i < a.length; i++) {
            if (Math.abs(a[i] - b[i]) > 1e-4f) {
                return false;
            }
        }
        return true;
    }
}
