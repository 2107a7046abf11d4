package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.adapter.TargetModules;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.format.Json;
import dev.peft4j.core.format.SafetensorsFile;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.LinearSite;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.lora.LoraConfig;
import dev.peft4j.models.LoadOptions;
import dev.peft4j.models.Models;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Which layers {@code target_modules} means in encoders of each family and task, compared with PEFT ({@code scripts/make-target-sets.py}). It differs in what is
 * trained whole here (heads that a checkpoint does not have), where PEFT fails ({@code all-linear} of tags and answers), and at poolers that change no vector.
 */
class TargetSetsTest {
    @TempDir
    Path dir;

    static Stream<String> models() throws IOException {
        return byModel().keySet().stream();
    }

    private static Map<String, List<Map<?, ?>>> byModel() throws IOException {
        Map<String, List<Map<?, ?>>> all = new TreeMap<>();
        Path file = Shared.root().resolve("peft-tests/src/test/resources/target-sets.json");
        for (Object c : (List<?>) Json.read(file).get("cases")) {
            Map<?, ?> json = (Map<?, ?>) c;
            if ("LORA".equals(json.get("method"))) {
                all.computeIfAbsent(json.get("model") + "/" + json.get("task"), k -> new ArrayList<>())
                        .add(json);
            }
        }
        return all;
    }

    private static Model open(String model, String task) throws IOException {
        return Models.load(
                Methods.MODELS.resolve(model), LoadOptions.on(Backend.host()).withTask(TaskType.valueOf(task)));
    }

    @ParameterizedTest
    @MethodSource("models")
    void target_modules_mean_what_they_mean_in_peft(String name) throws IOException {
        int slash = name.indexOf('/');
        try (Model model = open(name.substring(0, slash), name.substring(slash + 1))) {
            for (Map<?, ?> json : byModel().get(name)) {
                String what = name + " " + json.get("target_modules");
                TreeSet<String> expected = new TreeSet<>();
                if (json.get("modules") instanceof List<?> modules) {
                    modules.forEach(m -> expected.add(String.valueOf(m)));
                }
                expected.removeAll(model.layersElsewhere());
                expected.removeIf(m -> model.taskModules().stream().anyMatch(t -> (m + ".").startsWith(t + ".")));
                boolean failed = String.valueOf(json.get("refused")).startsWith("TypeError");
                Set<String> found = found(model, json.get("target_modules"));
                assertTrue(failed ? !found.isEmpty() : expected.equals(found), what + ": " + expected + found);
            }
        }
    }

    private static Set<String> found(Model model, Object target) {
        TargetModules modules = target instanceof List<?> list
                ? TargetModules.of(list.stream().map(String::valueOf).toList())
                : TargetModules.matching(String.valueOf(target));
        TreeSet<String> found = new TreeSet<>();
        try {
            List<LinearSite> sites =
                    LoraConfig.of(2, 2).withTarget(modules).attachment().sites(model);
            sites.forEach(s -> found.add(s.name()));
        } catch (BadInputException e) {
            assertFalse(String.valueOf(e.getMessage()).isEmpty());
        }
        return found;
    }

    @Test
    void files_name_no_layer_that_transformers_has_besides() throws IOException {
        try (Model model = open("bert_vectors", "FEATURE_EXTRACTION")) {
            for (TargetModules target : List.of(TargetModules.allLinearLayers(), TargetModules.matching(".*dense"))) {
                Map<?, ?> config = saved(model, LoraConfig.of(2, 2).withTarget(target), target.toString());
                List<?> names = (List<?>) config.get("target_modules");
                assertTrue(names.contains("encoder.layer.0.output.dense"), names.toString());
                assertFalse(names.contains("dense"), names.toString());
            }
            Map<?, ?> config = saved(model, LoraConfig.of(2, 2).withTarget(TargetModules.of("query")), "query");
            assertEquals(List.of("query"), config.get("target_modules"));
        }
    }

    @Test
    void a_bias_that_transformers_ties_is_written_under_both_names_and_read() throws IOException {
        LoraConfig config = LoraConfig.of(2, 2)
                .withTarget(TargetModules.of("query"))
                .withBias(LoraConfig.Bias.ALL, false)
                .withModulesToSave(List.of());
        try (Model model = open("bert", "MASKED_LM")) {
            saved(model, config, "bias");
            Path file = dir.resolve("bias").resolve("adapter_model.safetensors");
            try (SafetensorsFile saved = SafetensorsFile.open(file);
                    Adapter again = AdapterFiles.load(dir.resolve("bias"), model)) {
                assertTrue(saved.tensors().containsKey("base_model.model.cls.predictions.bias"));
                assertTrue(saved.tensors().containsKey("base_model.model.cls.predictions.decoder.bias"));
                AdapterFiles.save(dir.resolve("again"), model, again);
                try (SafetensorsFile second =
                        SafetensorsFile.open(dir.resolve("again").resolve("adapter_model.safetensors"))) {
                    assertEquals(saved.tensors().keySet(), second.tensors().keySet());
                }
            }
        }
    }

    @Test
    void an_adapter_of_peft_at_a_pooler_too_is_read_without_it() throws IOException {
        try (Model model = open("bert_vectors", "FEATURE_EXTRACTION");
                Tensor a = Tensor.zeros(DType.F32, 2, 16);
                Tensor b = Tensor.zeros(DType.F32, 16, 2)) {
            saved(model, LoraConfig.of(2, 2).withTarget(TargetModules.allLinearLayers()), "all");
            Path directory = dir.resolve("all");
            String pooler = "base_model.model.pooler.dense.lora_";
            Path tensors = directory.resolve("adapter_model.safetensors");
            TensorEdits.rewrite(tensors, n -> n, Map.of(pooler + "A.weight", a, pooler + "B.weight", b));
            Path file = directory.resolve("adapter_config.json");
            Map<String, Object> config = new TreeMap<>(Json.read(file));
            List<Object> names = new ArrayList<>((List<?>) config.get("target_modules"));
            names.add("pooler.dense");
            config.put("target_modules", names);
            Files.writeString(file, Json.print(config));
            try (Adapter read = AdapterFiles.load(directory, model)) {
                assertEquals(2 * model.linearSites().size(), read.parameters().size());
            }
        }
    }

    private Map<?, ?> saved(Model model, PeftConfig config, String name) throws IOException {
        Path to = dir.resolve(name.replaceAll("\\W", "_"));
        try (Adapter adapter = AdapterFiles.method(config.peftType()).create(config, model, 1)) {
            AdapterFiles.save(to, model, adapter);
        }
        return Json.read(to.resolve("adapter_config.json"));
    }
}
