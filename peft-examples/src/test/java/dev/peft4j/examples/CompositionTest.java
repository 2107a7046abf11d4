package dev.peft4j.examples;

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
import dev.peft4j.core.model.Active;
import dev.peft4j.core.model.AdapterStatus;
import dev.peft4j.core.model.MergedAdapter;
import dev.peft4j.core.model.MergedModel;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.model.PackedBatch;
import dev.peft4j.core.model.PeftModel;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.lora.Combination;
import dev.peft4j.lora.LoraCombination;
import dev.peft4j.lora.LoraConfig;
import dev.peft4j.lora.LoraConversion;
import dev.peft4j.lora.LoraInit;
import dev.peft4j.lora.adalora.AdaLoraConfig;
import dev.peft4j.lora.adalora.RankSchedule;
import dev.peft4j.lora.loha.LoHaConfig;
import dev.peft4j.lora.lokr.LoKrConfig;
import dev.peft4j.lora.oft.OftConfig;
import dev.peft4j.lora.vera.VeraConfig;
import dev.peft4j.models.CausalModel;
import dev.peft4j.models.KeyValueCache;
import dev.peft4j.models.Models;
import dev.peft4j.prompt.PrefixTuningConfig;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Several adapters on one base: together, one after the other, by many threads, as one, and in the weights. */
class CompositionTest {
    private static final int[][] IDS = {{5, 9, 2, 7, 30, 4}, {11, 3}, {8, 8, 1}};

    @TempDir
    Path dir;

    private static Model open(String family) throws IOException {
        return Models.load(Methods.MODELS.resolve(family), Backend.host(), 0, 0);
    }

    private static Adapter adapter(Model model, PeftConfig config, long seed) {
        Adapter a = AdapterFiles.method(config.peftType()).create(config, model, seed);
        Methods.randomise(a, seed);
        return a;
    }

    private static float[] logits(Model model, List<Adapter> adapters) {
        try (Arena arena = new Arena(DType.F32);
                Pass pass = Pass.inference(model.backend(), arena)) {
            return model.logits(Call.of(pass, adapters), PackedBatch.of(IDS))
                    .value()
                    .toFloats();
        }
    }

    private static float[] logits(PeftModel peft, Active active, Arena arena) {
        try (Pass pass = Pass.inference(peft.base().backend(), arena)) {
            return peft.base()
                    .logits(peft.call(pass, active), PackedBatch.of(IDS))
                    .value()
                    .toFloats();
        }
    }

    private static double distance(float[] a, float[] b) {
        assertEquals(a.length, b.length);
        double worst = 0;
        for (int i = 0; i < a.length; i++) {
            worst = Math.max(worst, Math.abs(a[i] - b[i]));
        }
        return worst;
    }

    private static String message(Class<? extends Exception> type, org.junit.jupiter.api.function.Executable action) {
        return String.valueOf(assertThrows(type, action).getMessage());
    }

    /** What PEFT gets wrong: rsLoRA, DoRA and biases of B in a weighted sum. */
    @ParameterizedTest
    @ValueSource(strings = {"plain", "rslora", "dora", "dora and plain", "lora_bias", "embeddings", "other layers"})
    void a_weighted_sum_of_adapters_is_exact_by_cat_and_by_svd_of_full_rank(String kind) throws IOException {
        try (Model model = open("gpt2")) {
            LoraConfig plain = LoraConfig.of(3, 7);
            LoraConfig first =
                    switch (kind) {
                        case "rslora" -> plain.withRsLora();
                        case "dora", "dora and plain" -> plain.withDora();
                        case "lora_bias" -> plain.withBias(LoraConfig.Bias.NONE, true);
                        case "embeddings" -> plain.withTarget(TargetModules.of("wte", "mlp.c_proj"));
                        default -> plain;
                    };
            LoraConfig second =
                    switch (kind) {
                        case "dora and plain" -> plain;
                        case "other layers" -> LoraConfig.of(2, 3).withTarget(TargetModules.of("c_fc", "c_attn"));
                        default -> first.toBuilder().r(2).alpha(5).build();
                    };
            try (Adapter a = adapter(model, first, 1);
                    Adapter b = adapter(model, second, 2)) {
                double[] weights = {0.7, -0.4};
                float[] expected = logits(model, List.of(weighted(model, a, b, weights)));
                for (Combination.Type type : new Combination.Type[] {Combination.Type.CAT, Combination.Type.SVD}) {
                    Combination rule = Combination.of(type);
                    rule = type == Combination.Type.SVD ? rule.withRank(10_000) : rule;
                    LoraCombination.Result result = LoraCombination.combine(model, List.of(a, b), weights, rule);
                    try (Adapter sum = result.adapter()) {
                        assertTrue(result.relativeError() < 1e-9, type + " error " + result.relativeError());
                        assertTrue(distance(expected, logits(model, List.of(sum))) < 1e-3, type + " " + kind);
                        AdapterFiles.save(dir.resolve(type.name()), sum, model);
                        try (Adapter back = AdapterFiles.load(dir.resolve(type.name()), model)) {
                            assertArrayEquals(logits(model, List.of(sum)), logits(model, List.of(back)));
                        }
                    }
                }
            }
        }
    }

    /** The base with {@code Σ wᵢ ΔWᵢ} and {@code Σ wᵢ Δbᵢ} in its weights, computed from merged copies. */
    private static Adapter weighted(Model model, Adapter a, Adapter b, double[] weights) {
        MergedAdapter first = MergedAdapter.of(model, List.of(a));
        MergedAdapter second = MergedAdapter.of(model, List.of(b));
        for (String name : model.tensorNames()) {
            Tensor base = model.tensor(name);
            Parameter p = first.replacement(name);
            Parameter q = second.replacement(name);
            Parameter target = p == null ? q : p;
            if (target == null) {
                continue;
            }
            float[] sum = base.toFloats();
            for (int i = 0; i < sum.length; i++) {
                float old = sum[i];
                int r = i / base.cols();
                int c = i % base.cols();
                sum[i] += (float) (p == null ? 0 : weights[0] * (p.value().get(r, c) - old));
                sum[i] += (float) (q == null ? 0 : weights[1] * (q.value().get(r, c) - old));
            }
            target.value().set(sum);
        }
        return new Both(first, second);
    }

    /** Two sets of merged tensors, the first before the second. */
    private record Both(MergedAdapter first, MergedAdapter second) implements Adapter {
        @Override
        public PeftConfig config() {
            return first.config();
        }

        @Override
        public List<Parameter> parameters() {
            return first.parameters();
        }

        @Override
        public Parameter replacement(String name) {
            Parameter p = first.replacement(name);
            return p == null ? second.replacement(name) : p;
        }

        @Override
        public void close() {
            first.close();
            second.close();
        }
    }

    @ParameterizedTest
    @EnumSource(Combination.Type.class)
    void every_rule_makes_an_adapter_and_tells_its_error(Combination.Type type) throws IOException {
        try (Model model = open("llama");
                Adapter a = adapter(model, LoraConfig.of(3, 6), 1);
                Adapter b = adapter(model, LoraConfig.of(3, 6), 2)) {
            Combination rule = new Combination(type, 0, 0.6, Combination.Majority.FREQUENCY, 4);
            LoraCombination.Result result =
                    LoraCombination.combine(model, List.of(a, b), new double[] {0.7, 0.5}, rule);
            try (Adapter sum = result.adapter()) {
                assertTrue(distance(logits(model, List.of()), logits(model, List.of(sum))) > 1e-3);
                assertEquals(type == Combination.Type.CAT, result.relativeError() < 1e-6, "" + result);
            }
        }
    }

    @Test
    void a_single_adapter_of_weight_w_has_w_times_its_effect_on_the_weights() throws IOException {
        try (Model model = open("llama");
                Adapter a = adapter(model, LoraConfig.of(3, 6).withRsLora(), 1)) {
            for (double w : new double[] {1, 0.5, -2}) {
                LoraCombination.Result one = LoraCombination.combine(
                        model, List.of(a), new double[] {w}, Combination.of(Combination.Type.LINEAR));
                try (Adapter sum = one.adapter()) {
                    assertTrue(one.relativeError() < 1e-6, w + ": " + one);
                    if (w == 1) {
                        assertTrue(distance(logits(model, List.of(a)), logits(model, List.of(sum))) < 1e-4);
                    }
                }
            }
        }
    }

    @Test
    void combinations_that_cannot_be_are_refused_with_a_reason() throws IOException {
        Class<IllegalArgumentException> bad = IllegalArgumentException.class;
        try (Model model = open("llama");
                Adapter a = adapter(model, LoraConfig.of(3, 6), 1);
                Adapter b = adapter(model, LoraConfig.of(2, 6), 2);
                Adapter d = adapter(model, LoraConfig.of(3, 6).withDora(), 3);
                Adapter loha = adapter(model, LoHaConfig.of(2, 2, Attachment.DEFAULT), 4);
                Adapter norm = adapter(model, LoraConfig.of(3, 6).withModulesToSave(List.of("model.norm")), 5);
                Adapter norm2 = adapter(model, LoraConfig.of(3, 6).withModulesToSave(List.of("model.norm")), 6);
                Adapter tokens = adapter(model, LoraConfig.of(3, 6).withTrainableTokens(List.of(4)), 7)) {
            double[] two = {1, 1};
            Combination linear = Combination.of(Combination.Type.LINEAR);
            String ranks = message(bad, () -> LoraCombination.combine(model, List.of(a, b), two, linear));
            assertTrue(ranks.contains("[3, 2]") && ranks.contains("Use CAT or SVD"), ranks);
            assertTrue(message(bad, () -> LoraCombination.combine(model, List.of(a, d), two, linear))
                    .contains("DoRA has lengths"));
            assertTrue(message(bad, () -> LoraCombination.combine(model, List.of(a, loha), two, linear))
                    .contains("LOHA"));
            assertTrue(message(bad, () -> LoraCombination.combine(model, List.of(norm, norm2), two, linear))
                    .contains("model.norm.weight"));
            assertTrue(message(bad, () -> LoraCombination.combine(model, List.of(a, tokens), two, linear))
                    .contains("trainable_token_indices"));
            assertTrue(message(bad, () -> LoraCombination.combine(model, List.of(a), two, linear))
                    .contains("1 adapters and 2 weights"));
            assertTrue(message(bad, () -> LoraCombination.combine(model, List.of(a), new double[] {Double.NaN}, linear))
                    .contains("NaN"));
            assertTrue(message(bad, () -> linear.withRank(3)).contains("svd_rank"));
            assertTrue(message(bad, () -> linear.withDensity(0)).contains("density"));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"DoRA", "AdaLoRA", "LoHa", "LoKr", "VeRA", "OFT", "PiSSA"})
    void any_change_of_weights_becomes_lora(String name) throws IOException {
        PeftConfig config =
                switch (name) {
                    case "DoRA" -> LoraConfig.of(2, 4).withDora();
                    case "AdaLoRA" -> AdaLoraConfig.of(RankSchedule.of(3, 2), 6, Attachment.DEFAULT);
                    case "LoHa" -> LoHaConfig.of(2, 4, Attachment.DEFAULT);
                    case "LoKr" -> LoKrConfig.of(2, 4, Attachment.DEFAULT);
                    case "VeRA" -> VeraConfig.of(4, Attachment.DEFAULT);
                    case "OFT" -> OftConfig.of(4, Attachment.DEFAULT);
                    default -> LoraConfig.of(2, 4).withInit(LoraInit.of(LoraInit.Kind.PISSA));
                };
        try (Model model = open("llama");
                Adapter adapter = adapter(model, config, 3)) {
            float[] expected = logits(model, List.of(adapter));
            LoraCombination.Result full = LoraConversion.byEnergy(model, adapter, 1);
            LoraCombination.Result small = LoraConversion.byRank(model, adapter, 1);
            LoraCombination.Result most = LoraConversion.byEnergy(model, adapter, 0.9);
            try (Adapter f = full.adapter();
                    Adapter s = small.adapter();
                    Adapter m = most.adapter()) {
                assertEquals("LORA", f.config().peftType());
                assertTrue(full.relativeError() < 1e-3, name + " " + full.relativeError());
                assertTrue(distance(expected, logits(model, List.of(f))) < 1e-3, name);
                assertTrue(most.relativeError() <= Math.sqrt(0.1) && small.relativeError() >= most.relativeError());
                assertTrue(s.trainableCount() <= m.trainableCount() && m.trainableCount() <= f.trainableCount());
            }
        }
    }

    @Test
    void many_threads_with_other_adapters_get_the_same_bits_as_one_after_the_other() throws Exception {
        List<Methods.Method> methods = Methods.all().stream()
                .filter(m -> m.impossible("llama").isEmpty())
                .toList();
        try (Model model = open("llama");
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
                            try (PeftModel.Scope off = peft.disable("m" + i)) {
                                assertTrue(off != null);
                                assertArrayEquals(base, logits(peft, Active.of("m" + i), arena));
                            }
                        }
                    }
                }));
            }
            // meanwhile adapters come, are exchanged and go
            for (int k = 0; k < 100; k++) {
                peft.add("x", adapter(model, LoraConfig.of(2, 2), k));
                logits(peft, Active.of("x", "m0"), mine);
                peft.hotSwap("x", adapter(model, LoraConfig.of(3, 2), k));
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
        try (Model model = open("llama");
                PeftModel peft = new PeftModel(model);
                Arena arena = new Arena(DType.F32)) {
            Adapter a = adapter(model, LoraConfig.of(4, 8), 1);
            peft.add("a", a);
            float[] expected = logits(peft, Active.of("a"), arena);
            long bytes = Tensor.nativeBytes();
            Pass pass = Pass.inference(model.backend(), arena);
            Call call = peft.call(pass, Active.of("a"));
            assertEquals(1, peft.status().get(0).calls());
            peft.delete("a");
            assertTrue(peft.names().isEmpty());
            assertArrayEquals(
                    expected, model.logits(call, PackedBatch.of(IDS)).value().toFloats());
            assertEquals(bytes, Tensor.nativeBytes());
            pass.close();
            assertTrue(Tensor.nativeBytes() < bytes, "its memory is free now");
            assertTrue(message(IllegalArgumentException.class, () -> logits(peft, Active.of("a"), arena))
                    .contains("\"a\" was asked for"));
        }
    }

    @Test
    void names_are_unique_and_safe() throws IOException {
        Class<IllegalArgumentException> bad = IllegalArgumentException.class;
        try (Model model = open("llama");
                PeftModel peft = new PeftModel(model)) {
            peft.create("one", LoraConfig.of(2, 2), 1);
            peft.create("two", LoraConfig.of(2, 2), 2);
            for (String name : List.of(Active.BASE, "lora", "", "a/b", "..", "a b")) {
                String text = message(bad, () -> peft.create(name, LoraConfig.of(2, 2), 3));
                assertTrue(text.contains("to be named \"" + name + "\""), text);
            }
            assertTrue(message(bad, () -> peft.create("one", LoraConfig.of(2, 2), 3))
                    .contains("[one, two]"));
            assertTrue(message(bad, () -> peft.rename("one", "two")).contains("there is one of that name"));
            assertTrue(message(bad, () -> peft.rename("three", "four")).contains("\"three\" was asked for"));
            assertTrue(message(bad, () -> peft.delete("three")).contains("[one, two]"));
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
        try (Model model = open("llama");
                PeftModel peft = new PeftModel(model);
                Arena arena = new Arena(DType.F32)) {
            LoraConfig norm = LoraConfig.of(2, 2).withModulesToSave(List.of("model.norm"));
            LoraConfig tokens = LoraConfig.of(2, 2);
            peft.add("a", adapter(model, norm, 1));
            peft.add("b", adapter(model, norm, 2));
            peft.add("c", adapter(model, tokens.withTrainableTokens(List.of(5, 7)), 3));
            peft.add("d", adapter(model, tokens.withTrainableTokens(List.of(7, 9)), 4));
            peft.add("e", adapter(model, tokens.withTrainableTokens(List.of(11)), 5));
            assertTrue(
                    message(bad, () -> logits(peft, Active.of("a", "b"), arena)).contains("model.norm.weight"));
            assertTrue(
                    message(bad, () -> logits(peft, Active.of("c", "d"), arena)).contains("token 7"));
            logits(peft, Active.of("c", "e", "a"), arena);
            logits(peft, Active.perSequence("a", "b", "c"), arena); // each in its own sequence
            assertTrue(message(bad, () -> peft.merge("m", List.of("a", "b"), PackedBatch.of(IDS)))
                    .contains("model.norm.weight"));
            assertTrue(message(bad, () -> logits(peft, Active.perSequence("a", "b"), arena))
                    .contains("2 sequences, and the batch has 3"));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"gpt2", "llama", "bert"})
    void merging_two_equals_both_attached(String family) throws IOException {
        try (Model model = open(family);
                PeftModel peft = new PeftModel(model);
                Arena arena = new Arena(DType.F32)) {
            peft.add("one", adapter(model, LoraConfig.of(3, 6).withModulesToSave(List.of()), 1));
            peft.add("two", adapter(model, LoHaConfig.of(2, 4, Attachment.DEFAULT), 2));
            peft.merge("merged", List.of("one", "two"), PackedBatch.of(IDS));
            float[] both = logits(peft, Active.of("one", "two"), arena);
            assertTrue(distance(both, logits(peft, Active.of("merged"), arena)) < 1e-4);
            assertTrue(distance(both, logits(peft, Active.of("one"), arena)) > 1e-3);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"gpt2", "llama_tied"})
    void a_tied_head_follows_what_it_followed_before_merging(String family) throws IOException {
        Path models = GoldenCase.goldenRoot().resolve("models").resolve(family);
        if (!models.toFile().isDirectory()) {
            models = Methods.MODELS.resolve("gpt2");
        }
        try (Model model = Models.load(models, Backend.host(), 0, 0)) {
            LoraConfig plain = LoraConfig.of(2, 4);
            String table = model.embeddingSites().get(0).name();
            List<LoraConfig> configs = List.of(
                    plain.withTarget(TargetModules.of(table)), // the head stays
                    plain.withTarget(TargetModules.of("lm_head")), // the embedding stays
                    plain.withTrainableTokens(List.of(5, 9)), // both follow
                    plain.withModulesToSave(List.of(table))); // both follow
            for (int i = 0; i < configs.size(); i++) {
                try (Adapter adapter = adapter(model, configs.get(i), i)) {
                    float[] attached = logits(model, List.of(adapter));
                    Path out = dir.resolve("merged" + i);
                    MergedModel.write(out, model, adapter);
                    try (Model merged = Models.load(out, Backend.host(), 0, 0)) {
                        assertTrue(distance(attached, logits(merged, List.of())) < 1e-3, "config " + i);
                        assertEquals(
                                i >= 2,
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
        try (Model model = open("llama");
                Adapter adapter = adapter(model, LoraConfig.of(2, 4), 1)) {
            adapter.parameters().get(0).value().set(0, 0, Double.NaN);
            String text = message(IllegalArgumentException.class, () -> MergedAdapter.of(model, List.of(adapter)));
            assertTrue(text.contains("q_proj.weight") && text.contains("Nothing was merged"), text);
            assertThrows(
                    IllegalArgumentException.class, () -> MergedModel.write(dir.resolve("merged"), model, adapter));
            assertTrue(!dir.resolve("merged").toFile().exists(), "nothing was written");
        }
    }

    @Test
    void rotation_of_the_input_and_lora_merge_as_they_act_whatever_their_order() throws IOException {
        try (Model model = open("gpt2");
                Adapter oft = adapter(model, OftConfig.of(4, Attachment.DEFAULT), 1);
                Adapter lora = adapter(model, LoraConfig.of(3, 6), 2)) {
            for (List<Adapter> both : List.of(List.of(oft, lora), List.of(lora, oft))) {
                try (MergedAdapter merged = MergedAdapter.of(model, both)) {
                    assertTrue(distance(logits(model, both), logits(model, List.of(merged))) < 1e-4);
                }
            }
            assertEquals(Map.of(), oft.alsoSaved());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"gpt2", "llama"})
    void a_prefix_of_the_keys_and_values_of_a_text_is_that_text(String family) throws IOException {
        int[] text = {5, 9, 2};
        int[] rest = {7, 30, 4, 11};
        try (Model model = open(family);
                Arena arena = new Arena(DType.F32);
                Adapter prefix =
                        AdapterFiles.method("PREFIX_TUNING").create(PrefixTuningConfig.of(text.length), model, 1)) {
            CausalModel causal = (CausalModel) model;
            try (KeyValueCache cache = causal.newCache(1, text.length)) {
                try (Pass pass = Pass.inference(model.backend(), arena)) {
                    causal.hidden(Call.of(pass), PackedBatch.of(text), cache);
                }
                try (Tensor rows = cache.sideBySide(0)) {
                    prefix.parameters().get(0).value().copyFrom(rows);
                }
            }
            int[] whole = {5, 9, 2, 7, 30, 4, 11};
            try (Pass pass = Pass.inference(model.backend(), arena)) {
                float[] with = model.logits(Call.of(pass, prefix), PackedBatch.of(rest))
                        .value()
                        .toFloats();
                Tensor all = model.logits(Call.of(pass), PackedBatch.of(whole)).value();
                assertTrue(distance(all.rows(text.length, rest.length).toFloats(), with) < 1e-4);
            }
        }
    }
}
