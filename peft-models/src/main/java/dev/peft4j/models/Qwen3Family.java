package dev.peft4j.models;

import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.FamilyTraits;
import dev.peft4j.core.site.TaskType;
import java.io.IOException;
import java.util.List;

/**
 * Qwen 3: Llama whose queries and keys are normalised head by head, and windows in the upper layers if the config asks for them.
 *
 * <p>Yang et al. 2025, <a href="https://arxiv.org/abs/2505.09388">paper</a>, section 2.
 */
public final class Qwen3Family implements ModelFamily {
    private static final FamilyTraits TRAITS = FamilyTraits.builder("model.")
            .targets("LORA", "q_proj", "v_proj")
            .targets("IA3", "q_proj", "v_proj", "down_proj")
            .feedForward("down_proj")
            .targets("LN_TUNING", "post_attention_layernorm")
            .head(TaskType.CAUSAL_LM, "lm_head", "Qwen3ForCausalLM")
            .head(TaskType.SEQ_CLS, "score", "Qwen3ForSequenceClassification")
            .groupedKeys()
            .build();
    private static final DecoderForm.Defaults DEFAULTS =
            new DecoderForm.Defaults(151936, 32768, 4096, 22016, 32, 32, 32, 128, 1e-6, false);

    @Override
    public List<String> modelTypes() {
        return List.of("qwen3");
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
        boolean hasGateBias() {
            return false;
        }

        @Override
        GatedDecoder.Heads heads(GatedDecoder model, String prefix) throws IOException {
            return normalised(model, prefix, super.heads(model, prefix));
        }

        @Override
        int window(int layer) {
            return windows[layer];
        }
    }
}
