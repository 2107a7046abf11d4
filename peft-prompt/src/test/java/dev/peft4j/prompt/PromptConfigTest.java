package dev.peft4j.prompt;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.model.Model;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What configs of prompts refuse, and how many parameters they mean. */
class PromptConfigTest {
    private static String refusal(Executable action) {
        return String.valueOf(
                assertThrows(IllegalArgumentException.class, action).getMessage());
    }

    @Test
    void sizes_that_mean_nothing_are_refused_by_the_name_of_the_field() {
        assertTrue(refusal(() -> PromptTuningConfig.of(0)).contains("num_virtual_tokens = 0"));
        assertTrue(refusal(() -> PrefixTuningConfig.of(-1)).contains("num_virtual_tokens = -1"));
        assertTrue(refusal(() -> PrefixTuningConfig.of(3).withProjection(-2)).contains("encoder_hidden_size = -2"));
        PTuningConfig network = PTuningConfig.of(3, PTuningConfig.Encoder.LSTM);
        assertTrue(refusal(() -> new PTuningConfig(network.settings(), network.encoder(), 4, 0, 0))
                .contains("encoder_num_layers = 0"));
        assertTrue(refusal(() -> new PTuningConfig(network.settings(), network.encoder(), 4, 1, 1.5))
                .contains("encoder_dropout"));
    }

    @Test
    void a_network_cannot_start_at_the_keys_of_a_text() {
        PrefixTuningConfig text = PrefixTuningConfig.of(2).withText(List.of(4, 5));
        assertTrue(refusal(() -> text.withProjection(4)).contains("prefix_projection"));
    }

    @Test
    void a_file_without_a_task_is_refused() {
        assertTrue(refusal(() -> PromptTuningConfig.read(Map.of("num_virtual_tokens", 3)))
                .contains("task_type"));
    }

    @Test
    void a_text_needs_tokens_of_the_model() throws IOException {
        try (Model model = SmallModels.open("llama")) {
            PromptTuningConfig none = PromptTuningConfig.of(3).withText("a prompt", List.of());
            PromptTuningConfig other = PromptTuningConfig.of(3).withText("a prompt", List.of(1_000_000));
            assertTrue(refusal(() -> new PromptTuningMethod().create(none, model, 0))
                    .contains("tokens are missing"));
            assertTrue(refusal(() -> new PromptTuningMethod().create(other, model, 0))
                    .contains("1000000"));
        }
    }

    @Test
    void more_rows_than_the_context_has_are_refused() throws IOException {
        try (Model model = SmallModels.open("gpt2")) {
            String message = refusal(() -> new PromptTuningMethod().create(PromptTuningConfig.of(100_000), model, 0));
            assertTrue(message.contains("num_virtual_tokens = 100000"), message);
        }
    }

    static Stream<PeftConfig> configs() {
        return Stream.of(
                PromptTuningConfig.of(3),
                PrefixTuningConfig.of(3),
                PrefixTuningConfig.of(3).withProjection(5),
                PTuningConfig.of(3, PTuningConfig.Encoder.MLP).withHidden(5),
                PTuningConfig.of(3, PTuningConfig.Encoder.LSTM).withHidden(5),
                PTuningConfig.of(3, PTuningConfig.Encoder.LSTM));
    }

    @ParameterizedTest
    @MethodSource("configs")
    void the_count_of_a_config_is_that_of_its_adapter(PeftConfig config) throws IOException {
        try (Model model = SmallModels.open("llama");
                Adapter adapter = AdapterFiles.method(config.peftType()).create(config, model, 1)) {
            long count = 0;
            for (Parameter p : adapter.parameters()) {
                count += (long) p.value().rows() * p.value().cols();
            }
            assertEquals(config.parameterCount(model), count);
        }
    }

    @Test
    void keys_that_are_zero_still_take_attention_from_the_tokens() throws IOException {
        try (Model model = SmallModels.open("llama");
                Adapter zeros =
                        new PrefixTuningMethod().create(PrefixTuningConfig.of(3).withZeros(), model, 1)) {
            for (Parameter p : zeros.parameters()) {
                assertEquals(0, model.backend().kernels().sumOfSquares(p.value()));
            }
            float[] base = SmallModels.logits(model);
            float[] changed = SmallModels.logits(model, zeros);
            assertEquals(base.length, changed.length);
            double worst = 0;
            for (int i = 0; i < base.length; i++) {
                worst = Math.max(worst, Math.abs(base[i] - changed[i]));
            }
            assertTrue(worst > 1e-4, "worst " + worst);
        }
    }
}
