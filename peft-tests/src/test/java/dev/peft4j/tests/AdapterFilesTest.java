package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.adapter.Attachment;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.adapter.TargetModules;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.format.Json;
import dev.peft4j.core.format.SafetensorsWriter;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.lora.LoraConfig;
import dev.peft4j.lora.LoraInit;
import dev.peft4j.lora.adalora.RankSchedule;
import dev.peft4j.lora.loha.LoHaConfig;
import dev.peft4j.lora.lokr.LoKrConfig;
import dev.peft4j.lora.oft.OftConfig;
import dev.peft4j.lora.vera.VeraConfig;
import dev.peft4j.models.Models;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Adapter files as older and newer versions of PEFT, other tools and accidents make them. */
@ExtendWith(SettledMemory.class)
class AdapterFilesTest {
    @TempDir
    Path dir;

    private static Model open(String family) throws IOException {
        return Models.load(Methods.MODELS.resolve(family), Backend.host(), 0, 0);
    }

    private static Adapter adapter(Model model, PeftConfig config) {
        Adapter a = AdapterFiles.method(config.peftType()).create(config, model, 1);
        Methods.randomise(a, 1);
        return a;
    }

    private static float[] logits(Model model, Adapter adapter) {
        try (Arena arena = new Arena(DType.F32);
                Pass pass = Pass.inference(model.backend(), arena)) {
            return model.logits(Call.of(pass, adapter), PackedBatch.of(new int[] {5, 9, 2}, new int[] {11}))
                    .value()
                    .toFloats();
        }
    }

    private static String message(Class<? extends Exception> type, Executable action) {
        return String.valueOf(assertThrows(type, action).getMessage());
    }

    private Path tensors() {
        return dir.resolve("adapter_model.safetensors");
    }

    private Path config() {
        return dir.resolve("adapter_config.json");
    }

    /** Writes the tensors again under other names, and one more. */
    private void rename(UnaryOperator<String> names, String extra) throws IOException {
        if (extra.isEmpty()) {
            TensorEdits.rewrite(tensors(), names, Map.of());
        } else {
            try (Tensor t = Tensor.zeros(DType.F32, 2, 2)) {
                TensorEdits.rewrite(tensors(), names, Map.of(extra, t));
            }
        }
    }

    private void change(String key, Object value) throws IOException {
        Map<String, Object> json = new LinkedHashMap<>(Json.read(config()));
        json.put(key, value);
        Files.writeString(config(), Json.print(json));
    }

    @Test
    void names_of_older_versions_are_read() throws IOException {
        try (Model model = open("bert");
                Adapter adapter = adapter(model, LoraConfig.of(3, 6).withDora())) {
            AdapterFiles.save(dir, model, adapter);
            rename(
                    n -> n.replace(".lora_A.weight", ".lora_A.default.weight")
                            .replace(".lora_B.weight", ".lora_B.default.weight")
                            .replace("lora_magnitude_vector", "lora_magnitude_vector.default.weight"),
                    "");
            try (Adapter back = AdapterFiles.load(dir, model)) {
                assertArrayEquals(logits(model, adapter), logits(model, back));
            }
        }
    }

    @Test
    void the_base_weight_that_peft_writes_beside_an_embedding_is_left_alone() throws IOException {
        try (Model model = open("llama");
                Adapter adapter = adapter(model, LoraConfig.of(3, 6).withTarget(TargetModules.of("embed_tokens")))) {
            AdapterFiles.save(dir, model, adapter);
            String name = "base_model.model.model.embed_tokens.base_layer.weight";
            TensorEdits.rewrite(tensors(), n -> n, Map.of(name, BaseTensors.dense(model, "model.embed_tokens.weight")));
            try (Adapter back = AdapterFiles.load(dir, model)) {
                assertArrayEquals(logits(model, adapter), logits(model, back));
            }
            AdapterFiles.save(dir, model, adapter);
            rename(n -> n, name);
            String message = message(BadFileException.class, () -> AdapterFiles.load(dir, model));
            assertTrue(message.contains("[2, 2]") && message.contains("embed_tokens"), message);
        }
    }

    @Test
    void unknown_fields_are_kept_and_written_again() throws IOException {
        try (Model model = open("llama");
                Adapter adapter = adapter(model, LoraConfig.of(3, 6))) {
            AdapterFiles.save(dir, model, adapter);
            change("a_field_of_the_future", Map.of("x", 1));
            change("base_model_name_or_path", "org/base");
            change("revision", "main");
            try (Adapter back = AdapterFiles.load(dir, model)) {
                AdapterFiles.save(dir.resolve("again"), model, back);
            }
            Map<String, Object> json = Json.read(dir.resolve("again/adapter_config.json"));
            assertEquals(Map.of("x", 1), json.get("a_field_of_the_future"));
            assertEquals("org/base", json.get("base_model_name_or_path"));
            assertEquals("main", json.get("revision"));
        }
    }

    static List<Map.Entry<String, Object>> changing() {
        return List.of(
                Map.entry("use_bdlora", Map.of("a", 1)),
                Map.entry("alora_invocation_tokens", List.of(1, 2)),
                Map.entry("target_parameters", List.of("mlp.up_proj.weight")),
                Map.entry("layer_replication", List.of(List.of(0, 1))),
                Map.entry("init_lora_weights", "corda"),
                Map.entry("bias", "some"),
                Map.entry("lora_alpha", "twice"),
                Map.entry("rank_pattern", List.of(1)),
                Map.entry("rank_pattern", Map.of("q_proj(", 3)),
                Map.entry("trainable_token_indices", List.of(5_000_000)),
                Map.entry("target_modules", List.of("no_proj")));
    }

    @ParameterizedTest
    @MethodSource("changing")
    void fields_that_change_the_result_or_make_no_sense_are_refused_by_name(Map.Entry<String, Object> field)
            throws IOException {
        try (Model model = open("llama");
                Adapter adapter = adapter(model, LoraConfig.of(3, 6))) {
            AdapterFiles.save(dir, model, adapter);
            change(field.getKey(), field.getValue());
            long bytes = Tensor.nativeBytes();
            String text = message(BadFileException.class, () -> AdapterFiles.load(dir, model));
            String what = field.getKey().equals("rank_pattern") && field.getValue() instanceof Map
                    ? "q_proj("
                    : field.getKey().equals("trainable_token_indices") ? "token 5000000" : field.getKey();
            assertTrue(text.contains(what), text);
            assertEquals(bytes, Tensor.nativeBytes(), "memory of an adapter that was refused");
        }
    }

    static List<Map.Entry<String, Object>> ofTraining() {
        return List.of(
                Map.entry("lora_dropout", "high"),
                Map.entry("lora_dropout", 7),
                Map.entry("eva_config", Map.of("rho", "much")),
                Map.entry("corda_config", 3));
    }

    @ParameterizedTest
    @MethodSource("ofTraining")
    void values_of_training_are_read_and_written_again(Map.Entry<String, Object> field) throws IOException {
        try (Model model = open("llama");
                Adapter adapter = adapter(model, LoraConfig.of(3, 6))) {
            AdapterFiles.save(dir, model, adapter);
            change(field.getKey(), field.getValue());
            try (Adapter read = AdapterFiles.load(dir, model)) {
                AdapterFiles.save(dir, model, read);
                assertEquals(field.getValue(), Json.read(config()).get(field.getKey()));
            }
        }
    }

    @Test
    void an_adapter_of_adapterhub_is_recognised_by_its_content() throws IOException {
        Files.writeString(
                config(),
                "{\"config\": {\"reduction_factor\": 4}, \"version\": \"adapters.1.2.0\", \"name\": \"task\"}");
        new SafetensorsWriter().write(dir.resolve("adapter.safetensors"));
        try (Model model = open("bert")) {
            String text = message(BadFileException.class, () -> AdapterFiles.load(dir, model));
            assertTrue(text.contains("layer.0.output.adapters.task.adapter_down.0.weight"), text);
            Files.writeString(config(), Files.readString(config()).replace("4}", "4, \"use_gating\": true}"));
            text = message(BadFileException.class, () -> AdapterFiles.load(dir, model));
            assertTrue(text.contains("use_gating"), text);
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "\"scaling\": \"loud\" | learned",
                "\"scaling\": true | a number",
                "\"reduction_factor\": {\"first\": 4} | number of a block",
                "\"reduction_factor\": {\"0\": 4} | block 1 has none",
                "\"reduction_factor\": {\"0\": -4, \"default\": 4} | above 0",
                "\"reduction_factor\": 1e-300 | ",
                "\"residual_before_ln\": \"later\" | post_add",
                "\"residual_before_ln\": \"post_add\" | original_ln_before",
                "\"original_ln_after\": false | original_ln_after",
                "\"ln_before\": true | ln_before",
                "\"architecture\": \"lora\" | architecture \"lora\"",
                "\"architecture\": \"union\" | architecture \"union\"",
                "\"non_linearity\": \"gelu_orig\" | gelu_python",
                "\"inv_adapter\": \"nice\" | inv_adapter",
                "\"non_linearity\": \"cubic\" | leakyrelu",
                "\"dropout\": 1.5 | dropout",
                "\"output_adapter\": false | mh_adapter"
            })
    void fields_of_adapterhub_that_mean_nothing_here_are_refused(String field, @Nullable String reason)
            throws IOException {
        Files.writeString(
                config(), "{\"config\": {" + field + "}, \"version\": \"adapters.1.2.0\", \"name\": \"task\"}");
        new SafetensorsWriter().write(dir.resolve("adapter.safetensors"));
        try (Model model = open("bert")) {
            long bytes = Tensor.nativeBytes();
            String text = message(BadFileException.class, () -> AdapterFiles.load(dir, model));
            assertTrue(reason == null || text.contains(reason), text);
            assertEquals(bytes, Tensor.nativeBytes(), "memory of an adapter that was refused");
        }
    }

    @Test
    void missing_and_extra_tensors_are_listed() throws IOException {
        try (Model model = open("llama");
                Adapter adapter = adapter(model, LoraConfig.of(3, 6))) {
            AdapterFiles.save(dir, model, adapter);
            rename(n -> n.replace("layers.0.self_attn.q_proj.lora_A", "layers.7.self_attn.q_proj.lora_A"), "");
            String text = message(BadFileException.class, () -> AdapterFiles.load(dir, model));
            assertTrue(
                    text.contains("layers.0.self_attn.q_proj.lora_A")
                            && text.contains("layers.7.self_attn.q_proj.lora_A"),
                    text);
        }
    }

    /** As PEFT and AdapterHub write it for AutoModel. */
    @ParameterizedTest
    @CsvSource({"bert, bert.", "gpt2, transformer.", "llama, model."})
    void an_adapter_of_a_model_without_a_head_is_read(String family, String base) throws IOException {
        try (Model model = open(family);
                Adapter adapter = adapter(model, LoraConfig.of(3, 6).withModulesToSave(List.of()))) {
            AdapterFiles.save(dir, model, adapter);
            rename(n -> n.replace("base_model.model." + base, "base_model.model."), "");
            change("task_type", "FEATURE_EXTRACTION");
            try (Adapter read = AdapterFiles.load(dir, model)) {
                for (int i = 0; i < adapter.parameters().size(); i++) {
                    Parameter expected = adapter.parameters().get(i);
                    Parameter found = read.parameters().get(i);
                    assertEquals(expected.name(), found.name());
                    assertArrayEquals(expected.value().toFloats(), found.value().toFloats());
                }
            }
        }
    }

    @Test
    void an_adapter_for_other_dimensions_names_both() throws IOException {
        try (Model llama = open("llama");
                Model bert = open("bert");
                Adapter adapter = adapter(bert, LoraConfig.of(3, 6))) {
            AdapterFiles.save(dir, bert, adapter);
            String text = message(BadFileException.class, () -> AdapterFiles.load(dir, llama));
            assertTrue(text.contains("query") && text.contains("q_proj"), text);
            try (Adapter small = adapter(llama, LoraConfig.of(3, 6))) {
                AdapterFiles.save(dir.resolve("b"), llama, small);
                Path file = dir.resolve("b/adapter_model.safetensors");
                List<Tensor> open = new ArrayList<>();
                SafetensorsWriter writer = new SafetensorsWriter();
                small.parameters().forEach(p -> {
                    open.add(Tensor.zeros(DType.F32, p.value().rows(), p.value().cols() + 1));
                    writer.add(
                            small.savedName(p),
                            open.get(open.size() - 1),
                            p.value().rows(),
                            p.value().cols() + 1);
                });
                writer.write(file);
                open.forEach(Tensor::close);
                String shapes = message(BadFileException.class, () -> AdapterFiles.load(dir.resolve("b"), llama));
                assertTrue(shapes.contains("[3, 33]") && shapes.contains("[3, 32]"), shapes);
            }
        }
    }

    @Test
    void a_pattern_that_would_look_for_ever_is_stopped() throws IOException {
        try (Model model = open("llama");
                Adapter adapter = adapter(model, LoraConfig.of(3, 6))) {
            AdapterFiles.save(dir, model, adapter);
            change("target_modules", "(.*)*(.*)*(.*)*(.*)*(.*)*(.*)*x");
            String text = message(BadFileException.class, () -> AdapterFiles.load(dir, model));
            assertTrue(text.contains("had not come to an end") || text.contains("matches no"), text);
        }
    }

    static List<Executable> badConfigs() {
        Attachment any = Attachment.DEFAULT;
        LoraConfig lora = LoraConfig.of(4, 8);
        return List.of(
                () -> LoraConfig.of(0, 8),
                () -> lora.withDora().withBias(LoraConfig.Bias.NONE, true),
                () -> lora.withDora().withInit(LoraInit.of(LoraInit.Kind.PISSA)),
                () -> LoHaConfig.of(-1, 8, any),
                () -> LoKrConfig.of(0, 8, any),
                () -> new LoKrConfig(
                        2, 2, 0, 0, false, LoKrConfig.Init.RANDOM, false, 0, false, Map.of(), Map.of(), any),
                () -> VeraConfig.of(0, any),
                () -> OftConfig.of(0, any),
                () -> new OftConfig(2, 8, 5, false, 0, 0, true, any),
                () -> RankSchedule.of(4, 6),
                () -> new RankSchedule(4, 2, 5, 5, 1, 0.85, 0.85, 10),
                () -> new RankSchedule(4, 2, 0, 0, 1, 1, 0.85, 10));
    }

    @ParameterizedTest
    @MethodSource("badConfigs")
    void configs_that_cannot_work_are_refused_when_they_are_made(Executable config) {
        String text = message(IllegalArgumentException.class, config);
        assertTrue(text.length() > 40 && text.endsWith("."), text);
    }

    @Test
    void initial_values_that_a_weight_cannot_give_are_refused() throws IOException {
        try (Model model = open("llama")) {
            LoraConfig odd = LoraConfig.of(3, 6).withInit(LoraInit.of(LoraInit.Kind.ORTHOGONAL));
            LoraConfig large = LoraConfig.of(1000, 6).withInit(LoraInit.of(LoraInit.Kind.PISSA));
            assertTrue(message(IllegalArgumentException.class, () -> adapter(model, odd))
                    .contains("even rank"));
            assertTrue(message(IllegalArgumentException.class, () -> adapter(model, large))
                    .contains("has rank"));
            LoraConfig twice = LoraConfig.of(2, 2)
                    .withTarget(TargetModules.of("embed_tokens"))
                    .withTrainableTokens(List.of(1));
            assertTrue(message(IllegalArgumentException.class, () -> adapter(model, twice))
                    .contains("trained already"));
            LoraConfig same = LoraConfig.of(2, 2).withTrainableTokens(List.of(1, 1));
            assertTrue(message(IllegalArgumentException.class, () -> adapter(model, same))
                    .contains("twice"));
        }
    }

    @Test
    void a_tensor_with_nan_is_refused_by_name() throws IOException {
        try (Model model = open("llama");
                Adapter adapter = adapter(model, LoraConfig.of(4, 8))) {
            AdapterFiles.save(dir, model, adapter);
            String bad = adapter.parameters().get(3).name();
            TensorEdits.change(tensors(), (name, t) -> {
                if (name.endsWith(bad)) {
                    t.set(0, 0, Double.NaN);
                }
            });
            String message = assertThrows(BadFileException.class, () -> AdapterFiles.load(dir, model))
                    .getMessage();
            assertTrue(message.contains(bad), message);
        }
    }
}
