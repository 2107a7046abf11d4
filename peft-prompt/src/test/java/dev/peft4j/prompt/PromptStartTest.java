package dev.peft4j.prompt;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.model.Model;
import java.io.IOException;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The rows that a seed gives are those of PEFT 0.21.2 with torch 2.13.0, here the first two and the last number.
 *
 * <pre>
 * T = dict(task_type="CAUSAL_LM", num_virtual_tokens=3)
 * for c in (PromptTuningConfig(**T), PromptTuningConfig(**T, prompt_tuning_init="SAMPLE_VOCAB"), PrefixTuningConfig(**T),
 *           PrefixTuningConfig(**T, prefix_projection=True, encoder_hidden_size=5), PromptEncoderConfig(**T, encoder_hidden_size=5),
 *           PromptEncoderConfig(**T, encoder_hidden_size=5, encoder_reparameterization_type="LSTM")):
 *     model = LlamaForCausalLM.from_pretrained("golden/models/llama"); torch.manual_seed(5)
 *     rows = get_peft_model(model, c).get_prompt_embedding_to_save("default").flatten(); print(rows[0], rows[1], rows[-1])
 * </pre>
 */
class PromptStartTest {
    @ParameterizedTest
    @CsvSource({
        "prompt, 1.842330, 0.518887, 0.651877",
        "vocabulary, 0.443125, 0.232853, 0.107320",
        "prefix, 1.842330, 0.518887, -0.029228",
        "projection, 0.257935, -0.426254, 0.047473",
        "mlp, -0.300555, 0.286539, -0.316711",
        "lstm, -0.147249, -0.093889, -0.035555"
    })
    void rows_start_as_in_peft(String method, double first, double second, double last) throws IOException {
        PeftConfig config =
                switch (method) {
                    case "prompt" -> PromptTuningConfig.of(3);
                    case "vocabulary" -> PromptTuningConfig.of(3).withVocabulary();
                    case "prefix" -> PrefixTuningConfig.of(3);
                    case "projection" -> PrefixTuningConfig.of(3).withProjection(5);
                    case "mlp" -> PTuningConfig.of(3, PTuningConfig.Encoder.MLP).withHidden(5);
                    default -> PTuningConfig.of(3, PTuningConfig.Encoder.LSTM).withHidden(5);
                };
        try (Model model = SmallModels.open("llama");
                Adapter adapter = AdapterFiles.method(config.peftType()).create(config, model, 5)) {
            Adapter rows = adapter.forSaving(model);
            float[] values = rows.parameters().get(0).value().toFloats();
            if (rows != adapter) {
                rows.close();
            }
            assertEquals(first, values[0], 2e-6);
            assertEquals(second, values[1], 2e-6);
            assertEquals(last, values[values.length - 1], 2e-6);
        }
    }
}
