package dev.peft4j.tests;

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
import dev.peft4j.core.compose.Active;
import dev.peft4j.core.compose.AdapterStatus;
import dev.peft4j.core.compose.MergedAdapter;
import dev.peft4j.core.compose.MergedModel;
import dev.peft4j.core.compose.PeftModel;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.lora.LoraConfig;
import dev.peft4j.lora.loha.LoHaConfig;
import dev.peft4j.lora.oft.OftConfig;
import dev.peft4j.models.CausalModel;
import dev.peft4j.models.GenerationConfig;
import dev.peft4j.models.Models;
import dev.peft4j.models.TextGenerator;
import dev.peft4j.prompt.PrefixTuningConfig;
import dev.peft4j.prompt.PromptTuningConfig;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Several adapters on one base: together, one after the other, by many threads, as one, and in the weights. */
@ExtendWith(SettledMemory.class)
class CompositionTest {
    @TempDir
    Path dir;

    private static float[] logits(PeftModel peft, Active active, Arena arena) {
        try (Pass pass = Pass.inference(peft.base().backend(), arena)) {
            return peft.base()
                    .logits(peft.call(pass, active), PackedBatch.of(Compositions.IDS))
                    .value()
                    .toFloats();
        }
    }

    @Test
    void many_threads_with_other_adapters_get_the_same_bits_as_one_after_the_other() throws Exception {
        List<Methods.Method> methods = Methods.all().stream()
                .filter(m -> m.impossible("llama").isEmpty())
                .toList();
        try (Model model = Compositions.open("llama");
                PeftModel peft = new PeftModel(model);
                Arena mine = new Arena(DType.F32)) {
            List<float[]> expected = new ArrayList<>();
            for (int i = 0; i < methods.size(); i++) {
                Adapter a = methods.get(i).create(model, i);
                Methods.randomise(a, i);
                peft.add("m" + i, a);
                expected.add(logits(peft, Active.of("m" + i), mine));
            }
            float[] base = logits(peft, Active.none(), mine);
            ExecutorService threads = Executors.newFixedThreadPool(8);
            List<Future<?>> all = new ArrayList<>();
            for (int t = 0; t < 8; t++) {
                int thread = t;
                all.add(threads.submit(() -> {
                    try (Arena arena = new Arena(DType.F32)) {
                        for (int k = 0; k < 60; k++) {
                            int i = (thread * 5 + k) % methods.size();
                            assertArrayEquals(expected.get(i), logits(peft, Active.of("m" + i), arena));
                            Compositions.without(
                                    peft,
                                    () -> assertArrayEquals(base, logits(peft, Active.of("m" + i), arena)),
                                    "m" + i);
                        }
                    }
                }));
            }
            // meanwhile adapters come, are exchanged and go
            for (int k = 0; k < 100; k++) {
                peft.add("x", Compositions.adapter(model, LoraConfig.of(2, 2), k));
                logits(peft, Active.of("x", "m0"), mine);
                peft.hotSwap("x", Compositions.adapter(model, LoraConfig.of(3, 2), k));
                logits(peft, Active.of("x"), mine);
                peft.rename("x", "y");
                peft.delete("y");
            }
            for (Future<?> f : all) {
                f.get();
            }
            threads.shutdown();
        }
    }

    @Test
    void an_adapter_that_is_deleted_or_exchanged_in_a_call_lives_until_its_end() throws IOException {
        try (Model model = Compositions.open("llama");
                PeftModel peft = new PeftModel(model);
                Arena arena = new Arena(DType.F32)) {
            Adapter a = Compositions.adapter(model, LoraConfig.of(4, 8), 1);
            peft.add("a", a);
            float[] expected = logits(peft, Active.of("a"), arena);
            long bytes = Tensor.nativeBytes();
            Pass pass = Pass.inference(model.backend(), arena);
            Call call = peft.call(pass, Active.of("a"));
            assertEquals(1, peft.status().get(0).calls());
            peft.delete("a");
            assertTrue(peft.names().isEmpty());
            assertArrayEquals(
                    expected,
                    model.logits(call, PackedBatch.of(Compositions.IDS)).value().toFloats());
            assertEquals(bytes, Tensor.nativeBytes());
            pass.close();
            assertTrue(Tensor.nativeBytes() < bytes, "its memory is free now");
            assertTrue(Compositions.message(IllegalArgumentException.class, () -> logits(peft, Active.of("a"), arena))
                    .contains("\"a\" was asked for"));
        }
    }

    @Test
    void names_are_unique_and_safe() throws IOException {
        Class<IllegalArgumentException> bad = IllegalArgumentException.class;
        try (Model model = Compositions.open("llama");
                PeftModel peft = new PeftModel(model)) {
            peft.create("one", LoraConfig.of(2, 2), 1);
            peft.create("two", LoraConfig.of(2, 2), 2);
            for (String name : List.of(Active.BASE, "lora", "", "a/b", "..", "a b")) {
                String text = Compositions.message(bad, () -> peft.create(name, LoraConfig.of(2, 2), 3));
                assertTrue(text.contains("to be named \"" + name + "\""), text);
            }
            assertTrue(Compositions.message(bad, () -> peft.create("one", LoraConfig.of(2, 2), 3))
                    .contains("[one, two]"));
            assertTrue(
                    Compositions.message(bad, () -> peft.rename("one", "two")).contains("there is one of that name"));
            assertTrue(Compositions.message(bad, () -> peft.rename("three", "four"))
                    .contains("\"three\" was asked for"));
            assertTrue(Compositions.message(bad, () -> peft.delete("three")).contains("[one, two]"));
            assertEquals(List.of("one", "two"), peft.names());
            peft.rename("one", "three");
            assertEquals(List.of("three", "two"), peft.names());
            AdapterStatus status = peft.status().get(0);
            assertEquals("LORA", status.method());
            assertEquals(status.parameters(), status.trainable());
            assertEquals(4, status.layers());
        }
    }

    @Test
    void adapters_that_replace_the_same_tensor_or_token_cannot_be_active_together() throws IOException {
        Class<IllegalArgumentException> bad = IllegalArgumentException.class;
        try (Model model = Compositions.open("llama");
                PeftModel peft = new PeftModel(model);
                Arena arena = new Arena(DType.F32)) {
            LoraConfig norm = LoraConfig.of(2, 2).withModulesToSave(List.of("model.norm"));
            LoraConfig tokens = LoraConfig.of(2, 2);
            peft.add("a", Compositions.adapter(model, norm, 1));
            peft.add("b", Compositions.adapter(model, norm, 2));
            peft.add("c", Compositions.adapter(model, tokens.withTrainableTokens(List.of(5, 7)), 3));
            peft.add("d", Compositions.adapter(model, tokens.withTrainableTokens(List.of(7, 9)), 4));
            peft.add("e", Compositions.adapter(model, tokens.withTrainableTokens(List.of(11)), 5));
            assertTrue(Compositions.message(bad, () -> logits(peft, Active.of("a", "b"), arena))
                    .contains("model.norm.weight"));
            assertTrue(Compositions.message(bad, () -> logits(peft, Active.of("c", "d"), arena))
                    .contains("token 7"));
            logits(peft, Active.of("c", "e", "a"), arena);
            logits(peft, Active.perSequence("a", "b", "c"), arena); // each in its own sequence
            assertTrue(Compositions.message(
                            bad, () -> peft.merge("m", List.of("a", "b"), PackedBatch.of(Compositions.IDS)))
                    .contains("model.norm.weight"));
            assertTrue(Compositions.message(bad, () -> logits(peft, Active.perSequence("a", "b"), arena))
                    .contains("2 sequences, and the batch has 3"));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"gpt2", "llama", "bert"})
    void merging_two_equals_both_attached(String family) throws IOException {
        try (Model model = Compositions.open(family);
                PeftModel peft = new PeftModel(model);
                Arena arena = new Arena(DType.F32)) {
            peft.add("one", Compositions.adapter(model, LoraConfig.of(3, 6).withModulesToSave(List.of()), 1));
            peft.add("two", Compositions.adapter(model, LoHaConfig.of(2, 4, Attachment.DEFAULT), 2));
            peft.merge("merged", List.of("one", "two"), PackedBatch.of(Compositions.IDS));
            float[] both = logits(peft, Active.of("one", "two"), arena);
            assertTrue(Compositions.distance(both, logits(peft, Active.of("merged"), arena)) < 1e-4);
            assertTrue(Compositions.distance(both, logits(peft, Active.of("one"), arena)) > 1e-3);
        }
    }

    /** Rows of tokens are rows of the weight, and what acts on the weight acts on them too. */
    @ParameterizedTest
    @ValueSource(strings = {"gpt2", "llama_tied"})
    void lora_on_a_head_adds_to_its_trained_rows(String family) throws IOException {
        int token = 20; // which the sequences do not have
        LoraConfig plain = LoraConfig.of(2, 4).withTarget(TargetModules.of("lm_head"));
        try (Model model = Compositions.open(family);
                Adapter both = Compositions.adapter(model, plain.withTrainableTokens(List.of(token)), 1);
                Adapter lora = Compositions.adapter(model, plain, 2)) {
            lora.parameters().forEach(p -> both.parameters().stream()
                    .filter(q -> q.name().equals(p.name()))
                    .forEach(q -> p.value().copyFrom(q.value())));
            float[] base = Compositions.logits(model, List.of());
            float[] tuned = Compositions.logits(model, List.of(both));
            float[] withLora = Compositions.logits(model, List.of(lora));
            both.parameters().stream().filter(p -> p.name().contains("lora_")).forEach(p -> p.value()
                    .fill(0));
            float[] withRows = Compositions.logits(model, List.of(both));
            double largest = 0;
            for (int k = 0; k < base.length; k++) {
                boolean ofToken = k % model.vocabularySize() == token;
                float expected = ofToken ? withRows[k] + withLora[k] - base[k] : withLora[k];
                assertEquals(expected, tuned[k], 1e-4, "logit " + k);
                largest = Math.max(largest, ofToken ? Math.abs(withLora[k] - base[k]) : 0);
            }
            assertTrue(largest > 0.01, "LoRA changes the logits of the token");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"gpt2", "llama"})
    void what_changes_the_input_first_is_the_last_factor_of_the_weight(String family) throws IOException {
        try (Model model = Compositions.open(family);
                Adapter first = Compositions.adapter(model, OftConfig.of(4, Attachment.DEFAULT), 1);
                Adapter second = Compositions.adapter(model, OftConfig.of(8, Attachment.DEFAULT), 2);
                MergedAdapter merged = MergedAdapter.of(model, List.of(first, second))) {
            float[] attached = Compositions.logits(model, List.of(first, second));
            assertTrue(Compositions.distance(attached, Compositions.logits(model, List.of(merged))) < 1e-4);
            assertTrue(
                    Compositions.distance(attached, Compositions.logits(model, List.of(second, first))) > 1e-3,
                    "the order counts");
        }
    }

    @Test
    void dora_behind_a_bias_that_it_scales_is_not_merged() throws IOException {
        LoraConfig plain = LoraConfig.of(2, 4);
        try (Model model = Compositions.open("gpt2");
                Adapter bias = Compositions.adapter(model, plain.withBias(LoraConfig.Bias.NONE, true), 1);
                Adapter dora = Compositions.adapter(model, plain.withDora(), 2)) {
            String message = Compositions.message(
                    IllegalArgumentException.class, () -> MergedAdapter.of(model, List.of(bias, dora)));
            assertTrue(message.contains("scales what another one"), message);
            try (MergedAdapter merged = MergedAdapter.of(model, List.of(dora, bias))) {
                assertTrue(Compositions.distance(
                                Compositions.logits(model, List.of(dora, bias)),
                                Compositions.logits(model, List.of(merged)))
                        < 1e-4);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"gpt2", "llama_tied"})
    void a_tied_head_follows_what_it_followed_before_merging(String family) throws IOException {
        try (Model model = Compositions.open(family)) {
            LoraConfig plain = LoraConfig.of(2, 4);
            String table = model.embeddingSites().get(0).name();
            List<LoraConfig> configs = List.of(
                    plain.withTarget(TargetModules.of(table)), // the head stays
                    plain.withTarget(TargetModules.of("lm_head")), // the embedding stays
                    plain.withTrainableTokens(List.of(5, 9)), // both follow
                    plain.withModulesToSave(List.of(table)).withWeightTying(), // both follow
                    plain.withModulesToSave(List.of(table))); // the head stays
            for (int i = 0; i < configs.size(); i++) {
                try (Adapter adapter = Compositions.adapter(model, configs.get(i), i)) {
                    float[] attached = Compositions.logits(model, List.of(adapter));
                    Path out = dir.resolve("merged" + i);
                    MergedModel.write(out, model, adapter);
                    try (Model merged = Models.load(out, Backend.host(), 0, 0)) {
                        assertTrue(
                                Compositions.distance(attached, Compositions.logits(merged, List.of())) < 1e-3,
                                "config " + i);
                        assertEquals(
                                i == 2 || (i == 3 && table.endsWith("embed_tokens")), // PEFT does not know wte
                                merged.tensorNames().size()
                                        == model.tensorNames().size(),
                                "tied " + i);
                    }
                }
            }
        }
    }

    @Test
    void an_adapter_with_nan_is_refused_when_it_is_merged() throws IOException {
        try (Model model = Compositions.open("llama");
                Adapter adapter = Compositions.adapter(model, LoraConfig.of(2, 4), 1)) {
            adapter.parameters().get(0).value().set(0, 0, Double.NaN);
            String text = Compositions.message(
                    IllegalArgumentException.class, () -> MergedAdapter.of(model, List.of(adapter)));
            assertTrue(text.contains("q_proj.weight") && text.contains("Nothing was merged"), text);
            assertThrows(
                    IllegalArgumentException.class, () -> MergedModel.write(dir.resolve("merged"), model, adapter));
            assertTrue(!dir.resolve("merged").toFile().exists(), "nothing was written");
        }
    }

    @Test
    void rotation_of_the_input_and_lora_merge_as_they_act_whatever_their_order() throws IOException {
        try (Model model = Compositions.open("gpt2");
                Adapter oft = Compositions.adapter(model, OftConfig.of(4, Attachment.DEFAULT), 1);
                Adapter lora = Compositions.adapter(model, LoraConfig.of(3, 6), 2)) {
            for (List<Adapter> both : List.of(List.of(oft, lora), List.of(lora, oft))) {
                try (MergedAdapter merged = MergedAdapter.of(model, both)) {
                    assertTrue(Compositions.distance(
                                    Compositions.logits(model, both), Compositions.logits(model, List.of(merged)))
                            < 1e-4);
                }
            }
            assertEquals(Map.of(), oft.alsoSaved());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"gpt2", "llama"})
    void a_prefix_of_the_keys_and_values_of_a_text_is_that_text(String family) throws IOException {
        PrefixTuningConfig config = PrefixTuningConfig.of(3).withText(List.of(5, 9, 2, 40));
        try (Model model = Compositions.open(family);
                Arena arena = new Arena(DType.F32);
                Pass pass = Pass.inference(model.backend(), arena);
                Adapter prefix = AdapterFiles.method("PREFIX_TUNING").create(config, model, 1)) {
            float[] with = model.logits(Call.of(pass, prefix), PackedBatch.of(new int[] {7, 30, 4, 11}))
                    .value()
                    .toFloats();
            Tensor whole = model.logits(Call.of(pass), PackedBatch.of(new int[] {5, 9, 2, 7, 30, 4, 11}))
                    .value();
            assertTrue(Compositions.distance(whole.rows(3, 4).toFloats(), with) < 1e-4);
        }
    }

    @Test
    void an_encoder_that_attends_to_its_own_keys_and_values_twice_computes_the_same() throws IOException {
        PrefixTuningConfig config = PrefixTuningConfig.of(4).withText(List.of(7, 30, 4, 11));
        try (Model model = Compositions.open("bert");
                Arena arena = new Arena(DType.F32);
                Pass pass = Pass.inference(model.backend(), arena)) {
            BaseTensors.dense(model, "bert.embeddings.position_embeddings.weight")
                    .fill(0); // a prefix moves tokens
            try (Adapter prefix = AdapterFiles.method("PREFIX_TUNING").create(config, model, 1)) {
                PackedBatch batch = PackedBatch.of(new int[] {7, 30, 4, 11});
                float[] with =
                        model.logits(Call.of(pass, prefix), batch).value().toFloats();
                float[] without = model.logits(Call.of(pass), batch).value().toFloats();
                assertTrue(Compositions.distance(without, with) < 1e-5);
            }
        }
    }

    @Test
    void a_prefix_from_a_text_has_no_network_and_no_more_rows_than_the_text() throws IOException {
        PrefixTuningConfig config = PrefixTuningConfig.of(3).withText(List.of(5, 9));
        try (Model model = Compositions.open("gpt2")) {
            String message = assertThrows(IllegalArgumentException.class, () -> AdapterFiles.method("PREFIX_TUNING")
                            .create(config, model, 1))
                    .getMessage();
            assertTrue(message.contains("3 virtual tokens") && message.contains("2 tokens"), message);
        }
        assertThrows(IllegalArgumentException.class, () -> config.withProjection(4));
    }

    @Test
    void a_generation_ends_where_the_context_does_behind_the_rows_of_adapters() throws IOException {
        try (Model model = Compositions.open("llama"); // a context of 48 tokens
                Adapter prompt = AdapterFiles.method("PROMPT_TUNING").create(PromptTuningConfig.of(20), model, 1);
                Adapter prefix = AdapterFiles.method("PREFIX_TUNING").create(PrefixTuningConfig.of(9), model, 1);
                TextGenerator generator = new TextGenerator((CausalModel) model, List.of(prompt, prefix))) {
            GenerationConfig greedy = GenerationConfig.greedy(100).withStopTokens(Set.of());
            int[] start = {5, 9, 2};
            assertEquals(48 - 29 - 3, generator.generate(start, greedy).length);
            assertArrayEquals(generator.generate(start, greedy), generator.generate(start, greedy.withoutCache()));
            assertThrows(IllegalArgumentException.class, () -> generator.generate(new int[19], greedy));
        }
    }

    /** A batch computes rows in front once, a single sequence its own. */
    @ParameterizedTest
    @ValueSource(strings = {"gpt2", "llama"})
    void sequences_behind_the_same_rows_get_what_each_gets_alone(String family) throws IOException {
        int[][] ids = {{5, 9, 2, 7}, {11}, {8, 3, 30, 1, 6}};
        try (Model model = Compositions.open(family);
                Arena arena = new Arena(DType.F32);
                Adapter one = AdapterFiles.method("PROMPT_TUNING").create(PromptTuningConfig.of(3), model, 1);
                Adapter two = AdapterFiles.method("PREFIX_TUNING").create(PrefixTuningConfig.of(2), model, 2);
                Adapter three = AdapterFiles.method("PROMPT_TUNING").create(PromptTuningConfig.of(4), model, 3)) {
            List<Adapter> adapters = List.of(one, two, three);
            List<PackedBatch.Sequence> all = Arrays.stream(ids)
                    .map(s -> PackedBatch.Sequence.labelled(s, s))
                    .toList();
            double together = loss(model, adapters, all, arena);
            List<float[]> gradients = gradients(adapters);
            double apart = 0;
            for (PackedBatch.Sequence s : all) {
                apart += loss(model, adapters, List.of(s), arena);
            }
            List<float[]> sums = gradients(adapters);
            assertEquals(apart, together, 1e-4);
            for (int i = 0; i < sums.size(); i++) {
                assertTrue(Compositions.distance(sums.get(i), gradients.get(i)) < 1e-4, "gradient " + i);
            }
            try (Pass pass = Pass.inference(model.backend(), arena)) {
                Call call = Call.of(pass, adapters);
                Tensor logits = model.logits(call, PackedBatch.of(all)).value();
                PackedBatch rows = PackedBatch.of(all).withRowsOf(call);
                for (int s = 0; s < ids.length; s++) {
                    float[] alone =
                            model.logits(call, PackedBatch.of(ids[s])).value().toFloats();
                    float[] part = logits.rows(rows.start(s), rows.length(s)).toFloats();
                    assertTrue(Compositions.distance(alone, part) < 1e-4, "sequence " + s);
                }
            }
        }
    }

    private static double loss(Model model, List<Adapter> adapters, List<PackedBatch.Sequence> sequences, Arena arena) {
        try (Pass pass = Pass.differentiable(model.backend(), arena)) {
            double sum = model.loss(Call.of(pass, adapters), PackedBatch.of(sequences), 1)
                    .sum();
            pass.backward();
            return sum;
        }
    }

    private static List<float[]> gradients(List<Adapter> adapters) {
        List<float[]> all = new ArrayList<>();
        for (Adapter a : adapters) {
            for (Parameter p : a.parameters()) {
                all.add(p.grad().toFloats());
                p.zeroGrad();
            }
        }
        return all;
    }

    @Test
    void a_prefix_of_a_network_can_start_at_zero() throws IOException {
        PrefixTuningConfig config = PrefixTuningConfig.of(3).withProjection(4).withZeros();
        try (Model model = Compositions.open("gpt2");
                Adapter prefix = AdapterFiles.method("PREFIX_TUNING").create(config, model, 1);
                Adapter rows = prefix.forSaving(model)) {
            for (float v : rows.parameters().get(0).value().toFloats()) {
                assertEquals(0, v);
            }
        }
    }
}
