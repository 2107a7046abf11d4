package dev.peft4j.models;

import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.FamilyTraits;
import dev.peft4j.core.site.TaskType;
import java.io.IOException;
import java.util.List;

/**
 * Gemma 2: {@code GemmaForm} with caps of scores and logits, and windows in every other layer.
 *
 * <p>Gemma Team 2024, <a href="https://arxiv.org/abs/2408.00118">paper</a>, section 2.
 */
public final class Gemma2Family implements ModelFamily {
    private static final FamilyTraits TRAITS = FamilyTraits.builder("model.")
            .targets("LORA", "q_proj", "v_proj")
            .targets("IA3", "q_proj", "v_proj", "down_proj")
            .feedForward("down_proj")
            .targets(
                    "LN_TUNING",
                    "input_layernorm",
                    "post_attention_layernorm",
                    "pre_feedforward_layernorm",
                    "post_feedforward_layernorm",
                    "norm")
            .head(TaskType.CAUSAL_LM, "lm_head", "Gemma2ForCausalLM")
            .head(TaskType.SEQ_CLS, "score", "Gemma2ForSequenceClassification")
            .groupedKeys()
            .build();
    private static final DecoderForm.Defaults DEFAULTS =
            new DecoderForm.Defaults(256000, 8192, 2304, 9216, 26, 8, 4, 256, 1e-6, true);

    @Override
    public List<String> modelTypes() {
        return List.of("gemma2");
    }

    @Override
    public FamilyTraits traits() {
        return TRAITS;
    }

    @Override
    public Model load(ModelSource source) throws IOException {
        return new GatedDecoder(source, TRAITS, new Form(source.config()));
    }

    private static final class Form extends GemmaForm {
        private final double softCap;
        private final double logitCap;

        Form(ModelConfig config) throws IOException {
            super(config, DEFAULTS);
            softCap = cap(config, "attn_logit_softcapping", 50);
            logitCap = cap(config, "final_logit_softcapping", 30);
        }

        @Override
        boolean slidesByDefault(int layer) {
            return layer % 2 == 0;
        }

        @Override
        double softCap() {
            return softCap;
        }

        @Override
        double logitCap() {
            return logitCap;
        }
    }
}
