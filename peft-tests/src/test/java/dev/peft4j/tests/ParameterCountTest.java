package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.adapters.bitfit.BitFitConfig;
import dev.peft4j.adapters.bottleneck.BottleneckConfig;
import dev.peft4j.adapters.bottleneck.Scaling;
import dev.peft4j.adapters.ia3.Ia3Config;
import dev.peft4j.adapters.norms.NormTuningConfig;
import dev.peft4j.adapters.tokens.TrainableTokensConfig;
import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.adapter.Attachment;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.adapter.TargetModules;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.lora.LoraConfig;
import dev.peft4j.lora.loha.LoHaConfig;
import dev.peft4j.lora.lokr.LoKrConfig;
import dev.peft4j.lora.oft.OftConfig;
import dev.peft4j.lora.vera.VeraConfig;
import dev.peft4j.models.LoadOptions;
import dev.peft4j.models.Models;
import dev.peft4j.prompt.PTuningConfig;
import dev.peft4j.prompt.PrefixTuningConfig;
import dev.peft4j.prompt.PromptTuningConfig;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Numbers of trained parameters by the formulas of the papers, for a GPT-2 of C = 32 features, 2 layers and 4 C inner ones. */
class ParameterCountTest {
    private static final int C = 32;
    private static final int L = 2;

    static List<Arguments> counts() {
        Attachment any = Attachment.DEFAULT;
        return List.of(
                Arguments.of(LoraConfig.of(4, 8), L * 4 * (C + 3 * C)), // R (I + O) at c_attn
                Arguments.of(LoraConfig.of(4, 8).withDora(), L * (4 * (C + 3 * C) + 3 * C)), // and m
                Arguments.of(LoHaConfig.of(4, 8, any), L * 2 * 4 * (C + 3 * C)),
                Arguments.of(VeraConfig.of(6, any), L * (6 + 3 * C)), // R + O
                Arguments.of(OftConfig.of(4, any), L * (C / 4) * (4 * 3 / 2)), // blocks of n (n - 1) / 2
                Arguments.of(Ia3Config.DEFAULT, L * (3 * C + 4 * C)), // O of c_attn, I of mlp.c_proj
                Arguments.of(BottleneckConfig.pfeiffer(8), L * (2 * C * (C / 8) + C + C / 8)), // 2 C D + C + D
                Arguments.of(BottleneckConfig.houlsby(8), 2 * L * (2 * C * (C / 8) + C + C / 8)),
                Arguments.of(BottleneckConfig.parallel(4, 1), L * (2 * C * (C / 4) + C + C / 4)),
                Arguments.of(
                        BottleneckConfig.pfeiffer(8)
                                .withScaling(new Scaling(Scaling.Kind.CHANNEL, 1))
                                .withNorm(BottleneckConfig.Norm.BEFORE_RESIDUAL),
                        L * (2 * C * (C / 8) + C + C / 8 + C + 2 * C)), // and s and a norm
                Arguments.of(PromptTuningConfig.of(7), 7 * C), // P C
                Arguments.of(PrefixTuningConfig.of(7), 7 * 2 * L * C), // P 2 L C
                Arguments.of(PrefixTuningConfig.of(7).withProjection(5), 7 * C + 5 * (C + 1) + 2 * L * C * (5 + 1)),
                Arguments.of(
                        PTuningConfig.of(7, PTuningConfig.Encoder.MLP).withHidden(5),
                        7 * C + 5 * (C + 1) + 5 * (5 + 1) + C * (5 + 1)),
                Arguments.of(
                        PTuningConfig.of(7, PTuningConfig.Encoder.LSTM).withHidden(5),
                        7 * C + 2 * 4 * 5 * (C + 5 + 2) + 2 * 4 * 5 * (2 * 5 + 5 + 2) + 10 * (10 + 1) + C * (10 + 1)),
                Arguments.of(BitFitConfig.ALL, L * (3 * C + C + 4 * C + C + 2 * C) + C), // layers and norms
                Arguments.of(NormTuningConfig.ALL, (2 * L + 1) * 2 * C),
                Arguments.of(TrainableTokensConfig.of(3, 9, 40), 3 * C));
    }

    @ParameterizedTest
    @MethodSource("counts")
    void equal_the_formulas(PeftConfig config, int expected) throws IOException {
        try (Model model = Models.load(Methods.MODELS.resolve("gpt2"), Backend.host(), 0, 0);
                Adapter adapter = AdapterFiles.method(config.peftType()).create(config, model, 1)) {
            assertEquals(expected, adapter.trainableCount());
            assertTrue(config.parameterCount(model) >= expected, "what is known before memory is taken");
        }
    }

    /** At features.3 of a VGG, a convolution of 5 channels to 6 with 3 x 3 pixels; and its classifier of 10 inputs and 3 outputs. */
    static List<Arguments> countsAtConvolutions() {
        Attachment at = Attachment.to(TargetModules.of("features.3"));
        LoraConfig lora = LoraConfig.of(2, 4).withTarget(TargetModules.of("features.3"));
        return List.of(
                Arguments.of(lora, 2 * 5 * 9 + 6 * 2), // R I taps + O R
                Arguments.of(lora.withDora(), 2 * 5 * 9 + 6 * 2 + 6), // and m
                Arguments.of(lora.withBias(LoraConfig.Bias.NONE, true), 2 * 5 * 9 + 6 * 2 + 6), // and c
                Arguments.of(LoHaConfig.of(2, 4, at), 2 * 2 * (6 + 5 * 9)),
                Arguments.of(LoHaConfig.of(2, 4, at).withEffectiveConv2d(), 2 * (2 * (6 + 5) + 2 * 2 * 9)),
                Arguments.of(LoKrConfig.of(1, 2, at), 2 + 3 + 5 * 9), // (2, 1) and (3, 5 taps) of rank 1
                Arguments.of(LoKrConfig.of(1, 2, at).withEffectiveConv2d(), 2 + 3 + 5 + 9),
                Arguments.of(LoKrConfig.of(3, 2, at), 2 + 3 * 5 * 9), // whole
                Arguments.of(new Ia3Config(Ia3Config.FeedForward.of(), true, at), 6),
                Arguments.of(new Ia3Config(Ia3Config.FeedForward.of("features.3"), true, at), 5),
                Arguments.of(new BitFitConfig(at), 6));
    }

    @ParameterizedTest
    @MethodSource("countsAtConvolutions")
    void equal_the_formulas_at_convolutions(PeftConfig config, int expected) throws IOException {
        LoadOptions options = LoadOptions.on(Backend.host()).withTask(TaskType.IMAGE_CLS);
        try (Model model = Models.load(Methods.MODELS.resolve("vgg_small"), options);
                Adapter adapter = AdapterFiles.method(config.peftType()).create(config, model, 1)) {
            int classifier = 10 * 3 + 3;
            assertEquals(expected + classifier, adapter.trainableCount());
            assertEquals(expected + classifier, config.parameterCount(model), "known before memory is taken");
        }
    }

    @Test
    void what_a_model_cannot_have_is_refused() throws IOException {
        try (Model model = Models.load(Methods.MODELS.resolve("gpt2"), Backend.host(), 0, 0)) {
            refused(model, PromptTuningConfig.of(model.contextLength()), "context");
            refused(model, PromptTuningConfig.of(3).withText("hello", List.of()), "tokenizer");
            refused(model, PromptTuningConfig.of(3).withText("hello", List.of(5, 100_000)), "token 100000");
            refused(model, PrefixTuningConfig.of(1).withText(List.of()), "tokenizer");
            refused(model, PrefixTuningConfig.of(1).withText(List.of(-1)), "token -1");
            refused(model, BottleneckConfig.pfeiffer(C + 1), "leaves no unit");
            refused(model, TrainableTokensConfig.of(100_000), "vocabulary");
            refused(
                    model,
                    new Ia3Config(Ia3Config.FeedForward.of("c_fc"), true, Attachment.DEFAULT),
                    "part of target_modules");
        }
        assertThrows(IllegalArgumentException.class, () -> PromptTuningConfig.of(0));
        assertThrows(IllegalArgumentException.class, () -> BottleneckConfig.houlsby(0));
        assertThrows(IllegalArgumentException.class, () -> TrainableTokensConfig.of());
    }

    private static void refused(Model model, PeftConfig config, String reason) {
        IllegalArgumentException e =
                assertThrows(IllegalArgumentException.class, () -> AdapterFiles.method(config.peftType())
                        .create(config, model, 1));
        assertTrue(String.valueOf(e.getMessage()).contains(reason), e::toString);
    }
}
