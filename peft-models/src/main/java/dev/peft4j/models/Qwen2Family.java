package dev.peft4j.models;

import static dev.peft4j.models.DecoderForm.Defaults.AS_MANY;

import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.FamilyTraits;
import dev.peft4j.core.site.TaskType;
import java.io.IOException;
import java.util.List;

/**
 * Qwen 2 and 2.5: Llama with biases of queries, keys and values, and windows in the upper layers if the config asks for them.
 *
 * <p>Yang et al. 2024, <a href="https://arxiv.org/abs/2407.10671">paper</a>, section 2.2.
 */
public final class Qwen2Family implements ModelFamily {
    private static final FamilyTraits TRAITS = FamilyTraits.builder("model.")
            .targets("LORA", "q_proj", "v_proj")
            .targets("IA3", "q_proj", "v_proj", "down_proj")
            .feedForward("down_proj")
            .targets("LN_TUNING", "post_attention_layernorm")
            .head(TaskType.CAUSAL_LM, "lm_head", "Qwen2ForCausalLM")
            .head(TaskType.SEQ_CLS, "score", "Qwen2ForSequenceClassification")
            .groupedKeys()
            .build();
    private static final DecoderForm.Defaults DEFAULTS =
            new DecoderForm.Defaults(151936, 32768, 4096, 22016, 32, 32, 32, AS_MANY, 1e-6, false);

    @Override
    public List<String> modelTypes() {
        return List.of("qwen2");
    }

    @Override
    public FamilyTraits traits() {
        return TRAITS;
    }

    @Override
    public Model load(ModelSource source) throws IOException {
        return new GatedDecoder(source, TRAITS, new Form(source.config()));
    }

    private static final class Form extends DecoderForm {
        private final int[] windows;

        Form(ModelConfig config) throws IOException {
            super(config, DEFAULTS);
            int first = (int) config.number("max_window_layers", 28);
            windows = windows(layer -> layer >= first);
        }

        @Override
        boolean hasHeadBias() {
            return true;
        }

        @Override
        boolean hasOutputBias() {
            return false;
        }

        @Override
        boolean hasGateBias() {
            return false;
        }

        @Override
        int window(int layer) {
            return windows[layer];
        }
    }
}
