package dev.peft4j.lora;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.adapter.Attachment;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.adapter.TargetModules;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.compose.MergedAdapter;
import dev.peft4j.core.model.Model;
import dev.peft4j.lora.adalora.AdaLoraConfig;
import dev.peft4j.lora.adalora.RankSchedule;
import dev.peft4j.lora.loha.LoHaConfig;
import dev.peft4j.lora.lokr.LoKrConfig;
import dev.peft4j.lora.oft.OftConfig;
import dev.peft4j.lora.vera.VeraConfig;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Several adapters as one LoRA: weighted sums that are exact where they say so, and any change of weights as LoRA. */
class LoraCombinationTest {
    @TempDir
    Path dir;

    /** What PEFT gets wrong: rsLoRA, DoRA and biases of B in a weighted sum. */
    @ParameterizedTest
    @ValueSource(strings = {"plain", "rslora", "dora", "dora and plain", "lora_bias", "embeddings", "other layers"})
    void a_weighted_sum_of_adapters_is_exact_by_cat_and_by_svd_of_full_rank(String kind) throws IOException {
        try (Model model = SmallModels.open("gpt2")) {
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
            try (Adapter a = SmallModels.adapter(model, first, 1);
                    Adapter b = SmallModels.adapter(model, second, 2)) {
                double[] weights = {0.7, -0.4};
                float[] expected = SmallModels.logits(model, List.of(weighted(model, a, b, weights)));
                for (Combination.Type type : new Combination.Type[] {Combination.Type.CAT, Combination.Type.SVD}) {
                    Combination rule = Combination.of(type);
                    rule = type == Combination.Type.SVD ? rule.withRank(10_000) : rule;
                    LoraCombination.Result result = LoraCombination.combine(model, List.of(a, b), weights, rule);
                    try (Adapter sum = result.adapter()) {
                        assertTrue(result.relativeError() < 1e-9, type + " error " + result.relativeError());
                        assertTrue(
                                SmallModels.distance(expected, SmallModels.logits(model, List.of(sum))) < 1e-3,
                                type + " " + kind);
                        AdapterFiles.save(dir.resolve(type.name()), model, sum);
                        try (Adapter back = AdapterFiles.load(dir.resolve(type.name()), model)) {
                            assertArrayEquals(
                                    SmallModels.logits(model, List.of(sum)), SmallModels.logits(model, List.of(back)));
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
            float[] sum = SmallModels.floats(model, name);
            Parameter p = first.replacement(name);
            Parameter q = second.replacement(name);
            Parameter target = p == null ? q : p;
            if (target == null) {
                continue;
            }
            for (int i = 0; i < sum.length; i++) {
                float old = sum[i];
                int r = i / target.value().cols();
                int c = i % target.value().cols();
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
        try (Model model = SmallModels.open("llama");
                Adapter a = SmallModels.adapter(model, LoraConfig.of(3, 6), 1);
                Adapter b = SmallModels.adapter(model, LoraConfig.of(3, 6), 2)) {
            Combination rule = new Combination(type, 0, 0.6, Combination.Majority.FREQUENCY, 4);
            LoraCombination.Result result =
                    LoraCombination.combine(model, List.of(a, b), new double[] {0.7, 0.5}, rule);
            try (Adapter sum = result.adapter()) {
                assertTrue(SmallModels.distance(
                                SmallModels.logits(model, List.of()), SmallModels.logits(model, List.of(sum)))
                        > 1e-3);
                assertEquals(type == Combination.Type.CAT, result.relativeError() < 1e-6, "" + result);
            }
        }
    }

    @Test
    void a_single_adapter_of_weight_w_has_w_times_its_effect_on_the_weights() throws IOException {
        try (Model model = SmallModels.open("llama");
                Adapter a = SmallModels.adapter(model, LoraConfig.of(3, 6).withRsLora(), 1)) {
            for (double w : new double[] {1, 0.5, -2}) {
                LoraCombination.Result one = LoraCombination.combine(
                        model, List.of(a), new double[] {w}, Combination.of(Combination.Type.LINEAR));
                try (Adapter sum = one.adapter()) {
                    assertTrue(one.relativeError() < 1e-6, w + ": " + one);
                    if (w == 1) {
                        assertTrue(SmallModels.distance(
                                        SmallModels.logits(model, List.of(a)), SmallModels.logits(model, List.of(sum)))
                                < 1e-4);
                    }
                }
            }
        }
    }

    @Test
    void combinations_that_cannot_be_are_refused_with_a_reason() throws IOException {
        Class<IllegalArgumentException> bad = IllegalArgumentException.class;
        try (Model model = SmallModels.open("llama");
                Adapter a = SmallModels.adapter(model, LoraConfig.of(3, 6), 1);
                Adapter b = SmallModels.adapter(model, LoraConfig.of(2, 6), 2);
                Adapter d = SmallModels.adapter(model, LoraConfig.of(3, 6).withDora(), 3);
                Adapter loha = SmallModels.adapter(model, LoHaConfig.of(2, 2, Attachment.DEFAULT), 4);
                Adapter norm =
                        SmallModels.adapter(model, LoraConfig.of(3, 6).withModulesToSave(List.of("model.norm")), 5);
                Adapter norm2 =
                        SmallModels.adapter(model, LoraConfig.of(3, 6).withModulesToSave(List.of("model.norm")), 6);
                Adapter tokens = SmallModels.adapter(model, LoraConfig.of(3, 6).withTrainableTokens(List.of(4)), 7)) {
            double[] two = {1, 1};
            Combination linear = Combination.of(Combination.Type.LINEAR);
            String ranks = SmallModels.message(bad, () -> LoraCombination.combine(model, List.of(a, b), two, linear));
            assertTrue(ranks.contains("[3, 2]") && ranks.contains("Use CAT or SVD"), ranks);
            assertTrue(SmallModels.message(bad, () -> LoraCombination.combine(model, List.of(a, d), two, linear))
                    .contains("DoRA has lengths"));
            assertTrue(SmallModels.message(bad, () -> LoraCombination.combine(model, List.of(a, loha), two, linear))
                    .contains("LOHA"));
            assertTrue(SmallModels.message(bad, () -> LoraCombination.combine(model, List.of(norm, norm2), two, linear))
                    .contains("model.norm.weight"));
            assertTrue(SmallModels.message(bad, () -> LoraCombination.combine(model, List.of(a, tokens), two, linear))
                    .contains("trainable_token_indices"));
            assertTrue(SmallModels.message(bad, () -> LoraCombination.combine(model, List.of(a), two, linear))
                    .contains("1 adapters and 2 weights"));
            assertTrue(SmallModels.message(
                            bad, () -> LoraCombination.combine(model, List.of(a), new double[] {Double.NaN}, linear))
                    .contains("NaN"));
            assertTrue(SmallModels.message(bad, () -> linear.withRank(3)).contains("svd_rank"));
            assertTrue(SmallModels.message(bad, () -> linear.withDensity(0)).contains("density"));
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
        try (Model model = SmallModels.open("llama");
                Adapter adapter = SmallModels.adapter(model, config, 3)) {
            float[] expected = SmallModels.logits(model, List.of(adapter));
            LoraCombination.Result full = LoraConversion.byEnergy(model, adapter, 1);
            LoraCombination.Result small = LoraConversion.byRank(model, adapter, 1);
            LoraCombination.Result most = LoraConversion.byEnergy(model, adapter, 0.9);
            try (Adapter f = full.adapter();
                    Adapter s = small.adapter();
                    Adapter m = most.adapter()) {
                assertEquals("LORA", f.config().peftType());
                assertTrue(full.relativeError() < 1e-3, name + " " + full.relativeError());
                assertTrue(SmallModels.distance(expected, SmallModels.logits(model, List.of(f))) < 1e-3, name);
                assertTrue(most.relativeError() <= Math.sqrt(0.1) && small.relativeError() >= most.relativeError());
                assertTrue(s.trainableCount() <= m.trainableCount() && m.trainableCount() <= f.trainableCount());
            }
        }
    }
}
