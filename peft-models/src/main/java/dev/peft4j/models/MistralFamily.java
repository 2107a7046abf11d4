package dev.peft4j.models;

import static dev.peft4j.models.DecoderForm.Defaults.AS_MANY;

import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.FamilyTraits;
import dev.peft4j.core.site.TaskType;
import java.io.IOException;
import java.util.List;

/**
 * Mistral: Llama whose tokens see the latest ones only.
 *
 * <p>Jiang et al. 2023, <a href="https://arxiv.org/abs/2310.06825">paper</a>, section 2.
 */
public final class MistralFamily implements ModelFamily {
    private static final FamilyTraits TRAITS = FamilyTraits.builder("model.")
            .targets("LORA", "q_proj", "v_proj")
            .targets("IA3", "k_proj", "v_proj", "down_proj")
            .feedForward("down_proj")
            .targets("LN_TUNING", "input_layernorm", "post_attention_layernorm", "norm")
            .head(TaskType.CAUSAL_LM, "lm_head", "MistralForCausalLM")
            .head(TaskType.SEQ_CLS, "score", "MistralForSequenceClassification")
            .groupedKeys()
            .build();
    private static final DecoderForm.Defaults DEFAULTS =
            new DecoderForm.Defaults(32000, 131072, 4096, 14336, 32, 32, 8, AS_MANY, 1e-6, false);

    @Override
    public List<String> modelTypes() {
        return List.of("mistral");
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
        private final int window;

        Form(ModelConfig config) throws IOException {
            super(config, DEFAULTS);
            window = isNull("sliding_window") ? 0 : config.size("sliding_window", 4096);
        }

        @Override
        boolean hasHeadBias() {
            return false;
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
            return window;
        }
    }
}
