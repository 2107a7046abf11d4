package dev.peft4j.adapters;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.adapters.bitfit.BitFitConfig;
import dev.peft4j.adapters.ia3.Ia3Config;
import dev.peft4j.adapters.ia3.Ia3Sum;
import dev.peft4j.adapters.norms.NormTuningConfig;
import dev.peft4j.adapters.tokens.TrainableTokensConfig;
import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.adapter.Attachment;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.adapter.TargetModules;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.model.Model;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Methods that scale columns, or train copies of biases, norms and rows of tables. */
class CopiesTest {
    private static PeftConfig config(String method) {
        return switch (method) {
            case "IA3" -> Ia3Config.DEFAULT;
            case "BitFit" -> BitFitConfig.ALL;
            case "norms" -> NormTuningConfig.ALL;
            default -> TrainableTokensConfig.of(5, 7);
        };
    }

    private static Adapter create(PeftConfig config, Model model) {
        return AdapterFiles.method(config.peftType()).create(config, model, 1);
    }

    @ParameterizedTest
    @CsvSource({"IA3, llama", "IA3, gpt2", "BitFit, gpt2", "BitFit, bert", "norms, llama", "norms, bert", "tokens, gpt2"
    })
    void a_new_one_is_the_base_with_the_parameters_of_its_config(String method, String family) throws IOException {
        PeftConfig config = config(method);
        try (Model model = SmallModels.open(family);
                Adapter adapter = create(config, model)) {
            assertEquals(config.parameterCount(model), adapter.trainableCount());
            float[] base = SmallModels.logits(model);
            assertArrayEquals(base, SmallModels.logits(model, adapter), 1e-5f);
            Parameter first = adapter.parameters().get(0);
            first.value().set(0, 0, first.value().get(0, 0) + 1);
            float[] changed = SmallModels.logits(model, adapter);
            double worst = 0;
            for (int i = 0; i < base.length; i++) {
                worst = Math.max(worst, Math.abs(base[i] - changed[i]));
            }
            assertTrue(worst > 1e-6, "one parameter changes the output: " + worst);
            assertArrayEquals(base, SmallModels.logits(model), "and not the base");
        }
    }

    @Test
    void biases_are_trained_and_nothing_else() throws IOException {
        try (Model model = SmallModels.open("gpt2");
                Adapter adapter = create(BitFitConfig.ALL, model)) {
            assertFalse(adapter.parameters().isEmpty());
            assertTrue(adapter.parameters().stream().allMatch(p -> p.name().endsWith(".bias")));
        }
    }

    @Test
    void a_sum_of_scales_has_the_weighted_scales_and_refuses_other_methods() throws IOException {
        try (Model model = SmallModels.open("llama");
                Adapter a = create(Ia3Config.DEFAULT, model);
                Adapter b = create(Ia3Config.DEFAULT, model);
                Adapter norms = create(NormTuningConfig.ALL, model)) {
            a.parameters().forEach(p -> p.value().fill(3));
            b.parameters().forEach(p -> p.value().fill(5));
            try (Adapter sum = Ia3Sum.of(model, List.of(a, b), new double[] {0.5, -2})) {
                assertEquals(a.parameters().size(), sum.parameters().size());
                for (Parameter p : sum.parameters()) {
                    assertEquals(0.5 * 3 - 2 * 5, p.value().get(0, p.value().cols() - 1));
                }
            }
            double[] two = {1, 1};
            assertThrows(IllegalArgumentException.class, () -> Ia3Sum.of(model, List.of(a, norms), two));
            assertThrows(IllegalArgumentException.class, () -> Ia3Sum.of(model, List.of(a), two));
        }
    }

    @Test
    void what_has_nothing_to_train_is_refused() throws IOException {
        Class<IllegalArgumentException> refused = IllegalArgumentException.class;
        assertThrows(refused, TrainableTokensConfig::of);
        try (Model model = SmallModels.open("llama")) {
            assertThrows(refused, () -> create(BitFitConfig.ALL, model), "llama has no biases");
            assertThrows(refused, () -> create(TrainableTokensConfig.of(1_000_000), model));
            Attachment queries = Attachment.DEFAULT.withTarget(TargetModules.of("q_proj"));
            Ia3Config apart = new Ia3Config(Ia3Config.FeedForward.of("down_proj"), true, queries);
            String message = String.valueOf(
                    assertThrows(refused, () -> create(apart, model)).getMessage());
            assertTrue(message.contains("feedforward_modules [down_proj]"), message);
            NormTuningConfig whole = NormTuningConfig.ALL.withModulesToSave(
                    model.normSites().stream().map(s -> s.name()).toList());
            assertThrows(
                    refused,
                    () -> create(whole, model),
                    List.of("all norms are whole already").toString());
        }
    }
}
