package dev.peft4j.lora;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.adapter.Attachment;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.adapter.TargetModules;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.compose.MergedModel;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.train.AdamW;
import dev.peft4j.lora.vera.VeraConfig;
import dev.peft4j.models.Models;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What every method has to keep, for LoRA on each family. */
class LoraBehaviourTest {
    @TempDir
    Path dir;

    private static Adapter lora(Model model) {
        return new LoraMethod().create(LoraConfig.of(4, 8).withTarget(TargetModules.allLinearLayers()), model, 3);
    }

    private static PackedBatch batch(Model model) {
        List<PackedBatch.Sequence> all = new ArrayList<>();
        for (int[] ids : new int[][] {{5, 9, 2, 7, 30, 4}, {11, 3}, {8, 8, 1}}) {
            boolean classifies = model.taskType() == TaskType.SEQ_CLS;
            all.add(
                    classifies
                            ? PackedBatch.Sequence.classified(ids, ids.length % 3)
                            : PackedBatch.Sequence.labelled(ids, ids));
        }
        return PackedBatch.of(all);
    }

    @ParameterizedTest
    @ValueSource(strings = {"gpt2", "llama", "bert"})
    void a_new_adapter_changes_nothing_and_a_random_one_does(String family) throws IOException {
        try (Model model = SmallModels.open(family);
                Adapter adapter = lora(model)) {
            float[] base = SmallModels.logits(model, List.of());
            assertArrayEquals(base, SmallModels.logits(model, List.of(adapter)));
            SmallModels.randomise(adapter, 17);
            assertTrue(SmallModels.distance(base, SmallModels.logits(model, List.of(adapter))) > 1e-2);
            assertArrayEquals(base, SmallModels.logits(model, List.of()), "without the adapter the base is as it was");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"gpt2", "llama", "bert"})
    void training_gives_every_parameter_a_gradient_and_leaves_the_base_bytes(String family) throws IOException {
        try (Model model = SmallModels.open(family);
                Adapter adapter = lora(model);
                Arena arena = new Arena(DType.F32);
                AdamW optimizer = new AdamW(0)) {
            SmallModels.randomise(adapter, 17);
            List<float[]> before = new ArrayList<>();
            model.tensorNames().forEach(n -> before.add(SmallModels.floats(model, n)));
            for (int step = 0; step < 3; step++) {
                try (Pass pass = Pass.training(model.backend(), arena, step)) {
                    model.loss(Call.of(pass, adapter), batch(model), 0.1);
                    pass.backward();
                }
                for (Parameter p : adapter.parameters()) {
                    assertTrue(model.backend().kernels().sumOfSquares(p.grad()) > 0, () -> "no gradient for " + p);
                }
                optimizer.step(model.backend(), adapter.parameters(), 1e-2);
                adapter.parameters().forEach(Parameter::zeroGrad);
            }
            int i = 0;
            for (String name : model.tensorNames()) {
                assertArrayEquals(before.get(i++), SmallModels.floats(model, name), name);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"gpt2", "llama", "bert"})
    void a_merged_model_on_disk_equals_the_attached_adapter(String family) throws IOException {
        Path out = dir.resolve("merged");
        try (Model model = SmallModels.open(family);
                Adapter adapter = lora(model)) {
            SmallModels.randomise(adapter, 17);
            float[] attached = SmallModels.logits(model, List.of(adapter));
            MergedModel.write(out, model, adapter);
            try (Model merged = Models.load(out, Backend.host(), 0, 0)) {
                assertTrue(SmallModels.distance(attached, SmallModels.logits(merged, List.of())) < 1e-4);
            }
            assertThrows(BadFileException.class, () -> MergedModel.write(out, model, adapter));
            Files.delete(out.resolve("config.json")); // of another program, or the user's own
            assertThrows(BadFileException.class, () -> MergedModel.write(out, model, adapter));
            Files.createFile(out.resolve(".config.json.tmp")); // as a write that is killed leaves it
            MergedModel.write(out, model, adapter);
            assertTrue(Files.exists(out.resolve("config.json")) && Files.notExists(out.resolve(".config.json.tmp")));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"gpt2", "llama", "bert"})
    void a_saved_adapter_comes_back_bit_by_bit(String family) throws IOException {
        try (Model model = SmallModels.open(family);
                Adapter adapter = lora(model)) {
            SmallModels.randomise(adapter, 17);
            AdapterFiles.save(dir.resolve("a"), model, adapter);
            try (Adapter back = AdapterFiles.load(dir.resolve("a"), model)) {
                assertEquals(adapter.parameters().size(), back.parameters().size());
                assertArrayEquals(
                        SmallModels.logits(model, List.of(adapter)), SmallModels.logits(model, List.of(back)));
            }
        }
    }

    @Test
    void two_adapters_at_once_add_up_and_do_not_touch_each_other() throws IOException {
        try (Model model = SmallModels.open("llama");
                Adapter a = lora(model);
                Adapter b = lora(model)) {
            SmallModels.randomise(a, 17);
            float[] alone = SmallModels.logits(model, List.of(a));
            SmallModels.randomise(b, 17);
            float[] both = SmallModels.logits(model, List.of(a, b));
            assertTrue(SmallModels.distance(alone, both) > 1e-3);
            assertArrayEquals(alone, SmallModels.logits(model, List.of(a)));
        }
    }

    @Test
    void an_adapter_of_another_model_is_refused_with_both_shapes() throws IOException {
        try (Model llama = SmallModels.open("llama");
                Model gpt2 = SmallModels.open("gpt2");
                Adapter adapter = lora(llama)) {
            AdapterFiles.save(dir.resolve("a"), llama, adapter);
            String message = assertThrows(BadFileException.class, () -> AdapterFiles.load(dir.resolve("a"), gpt2))
                    .getMessage();
            assertTrue(message.contains("q_proj") && message.contains("c_attn"), message);
        }
    }

    @Test
    void an_adapter_with_a_tensor_too_many_or_too_few_is_refused() throws IOException {
        try (Model model = SmallModels.open("llama");
                Adapter all = lora(model);
                Adapter some = new LoraMethod().create(LoraConfig.of(4, 8), model, 1)) {
            AdapterFiles.save(dir.resolve("all"), model, all);
            AdapterFiles.save(dir.resolve("some"), model, some);
            Files.copy(dir.resolve("some/adapter_config.json"), dir.resolve("x.json"));
            Files.delete(dir.resolve("some/adapter_config.json"));
            Files.copy(dir.resolve("all/adapter_config.json"), dir.resolve("some/adapter_config.json"));
            String few = assertThrows(BadFileException.class, () -> AdapterFiles.load(dir.resolve("some"), model))
                    .getMessage();
            assertTrue(few.contains("tensors are missing"), few);
            Files.delete(dir.resolve("all/adapter_config.json"));
            Files.copy(dir.resolve("x.json"), dir.resolve("all/adapter_config.json"));
            String many = assertThrows(BadFileException.class, () -> AdapterFiles.load(dir.resolve("all"), model))
                    .getMessage();
            assertTrue(many.contains("not expected"), many);
        }
    }

    @Test
    void targets_that_match_nothing_are_named_with_what_there_is() throws IOException {
        try (Model model = SmallModels.open("llama")) {
            String message = assertThrows(IllegalArgumentException.class, () -> new LoraMethod()
                            .create(LoraConfig.of(4, 8).withTarget(TargetModules.of("q_prj", "v_proj")), model, 0))
                    .getMessage();
            assertTrue(message.contains("[q_prj]") && message.contains("Did you mean q_proj?"), message);
        }
        assertThrows(IllegalArgumentException.class, () -> LoraConfig.of(0, 8));
        assertThrows(IllegalArgumentException.class, () -> LoraConfig.of(4, Double.NaN));
        assertThrows(IllegalArgumentException.class, () -> LoraConfig.of(4, 8).withDropout(1));
    }

    @Test
    void a_config_field_that_changes_the_math_is_refused() throws IOException {
        try (Model model = SmallModels.open("llama");
                Adapter adapter = lora(model)) {
            AdapterFiles.save(dir.resolve("a"), model, adapter);
            Path config = dir.resolve("a/adapter_config.json");
            Files.writeString(
                    config, Files.readString(config).replace("{\n", "{\n  \"alora_invocation_tokens\": [1],\n"));
            String message = assertThrows(BadFileException.class, () -> AdapterFiles.load(dir.resolve("a"), model))
                    .getMessage();
            assertTrue(message.contains("alora_invocation_tokens"), message);
        }
    }

    @Test
    void a_rank_that_the_file_cannot_hold_is_refused_before_memory_is_taken() throws IOException {
        try (Model model = SmallModels.open("llama");
                Adapter adapter = AdapterFiles.method("VERA").create(VeraConfig.of(4, Attachment.DEFAULT), model, 0)) {
            AdapterFiles.save(dir.resolve("a"), model, adapter);
            Path config = dir.resolve("a/adapter_config.json");
            Files.writeString(config, Files.readString(config).replace("\"r\" : 4", "\"r\" : 900000000"));
            String message = assertThrows(BadFileException.class, () -> AdapterFiles.load(dir.resolve("a"), model))
                    .getMessage();
            assertTrue(message.contains("of the shape [900000000], and the file has one of [4]"), message);
        }
    }

    @Test
    void the_ranks_of_the_tensors_count_more_than_those_of_the_config() throws IOException {
        try (Model model = SmallModels.open("llama");
                Adapter adapter = lora(model)) {
            SmallModels.randomise(adapter, 17);
            AdapterFiles.save(dir.resolve("a"), model, adapter);
            Path config = dir.resolve("a/adapter_config.json");
            Files.writeString(config, Files.readString(config).replace("\"r\" : 4", "\"r\" : 3"));
            try (Adapter back = AdapterFiles.load(dir.resolve("a"), model)) {
                assertArrayEquals(
                        SmallModels.logits(model, List.of(adapter)), SmallModels.logits(model, List.of(back)));
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        "gpt2,rslora",
        "gpt2,dora",
        "gpt2,bias",
        "gpt2,lora_bias",
        "llama,rslora",
        "llama,dora",
        "bert,rslora",
        "bert,dora",
        "bert,bias",
        "bert,lora_bias"
    })
    void variants_start_at_the_base_merge_exactly_and_come_back_from_disk(String family, String variant)
            throws IOException {
        LoraConfig plain = LoraConfig.of(4, 8).withTarget(TargetModules.allLinearLayers());
        LoraConfig config =
                switch (variant) {
                    case "rslora" -> plain.withRsLora();
                    case "dora" -> plain.withDora();
                    case "bias" -> plain.withBias(LoraConfig.Bias.ALL, false);
                    default -> plain.withBias(LoraConfig.Bias.LORA_ONLY, true);
                };
        try (Model model = SmallModels.open(family);
                Adapter adapter = new LoraMethod().create(config, model, 3)) {
            assertTrue(SmallModels.distance(
                            SmallModels.logits(model, List.of()), SmallModels.logits(model, List.of(adapter)))
                    < 1e-5);
            SmallModels.randomise(adapter, 17);
            float[] attached = SmallModels.logits(model, List.of(adapter));
            assertTrue(SmallModels.distance(attached, SmallModels.logits(model, List.of())) > 1e-2);
            AdapterFiles.save(dir.resolve("a"), model, adapter);
            try (Adapter back = AdapterFiles.load(dir.resolve("a"), model)) {
                assertArrayEquals(attached, SmallModels.logits(model, List.of(back)));
            }
            MergedModel.write(dir.resolve("merged"), model, adapter);
            try (Model merged = Models.load(dir.resolve("merged"), Backend.host(), 0, 0)) {
                assertTrue(SmallModels.distance(attached, SmallModels.logits(merged, List.of())) < 1e-3);
            }
        }
    }

    @Test
    void patterns_and_settings_that_cannot_work_are_refused() throws IOException {
        try (Model model = SmallModels.open("llama")) {
            LoraConfig config = LoraConfig.of(4, 8);
            LoraMethod method = new LoraMethod();
            assertThrows(
                    IllegalArgumentException.class,
                    () -> method.create(config.withPatterns(Map.of("k_proj", 2), Map.of()), model, 0),
                    "k_proj is no default target");
            assertThrows(
                    IllegalArgumentException.class,
                    () -> method.create(config.withModulesToSave(List.of("clasifier")), model, 0));
            assertThrows(IllegalArgumentException.class, () -> config.withPatterns(Map.of("q_proj", 0), Map.of()));
            TargetModules target = TargetModules.of("q_proj");
            assertThrows(
                    IllegalArgumentException.class,
                    () -> method.create(config.withTarget(target.without(target)), model, 0));
            assertThrows(IllegalArgumentException.class, () -> target.inLayers(List.of(), List.of("layers")));
            assertThrows(IllegalArgumentException.class, () -> TargetModules.allLinearLayers()
                    .inLayers(List.of(0), List.of()));
        }
    }
}
