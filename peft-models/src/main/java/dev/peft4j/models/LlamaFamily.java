package dev.peft4j.models;

import static dev.peft4j.models.DecoderForm.Defaults.AS_MANY;

import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.FamilyTraits;
import dev.peft4j.core.site.TaskType;
import java.io.IOException;
import java.util.List;

/**
 * Llama 1 to 3.
 *
 * <p>Touvron et al. 2023, <a href="https://arxiv.org/abs/2302.13971">paper</a>; the scaled frequencies as in Llama 3.
 */
public final class LlamaFamily implements ModelFamily {
    private static final FamilyTraits TRAITS = FamilyTraits.builder("model.")
            .targets("LORA", "q_proj", "v_proj")
            .targets("IA3", "k_proj", "v_proj", "down_proj")
            .feedForward("down_proj")
            .targets("LN_TUNING", "input_layernorm", "post_attention_layernorm", "norm")
            .head(TaskType.CAUSAL_LM, "lm_head", "LlamaForCausalLM")
            .head(TaskType.SEQ_CLS, "score", "LlamaForSequenceClassification")
            .groupedKeys()
            .build();

    private static final DecoderForm.Defaults DEFAULTS =
            new DecoderForm.Defaults(32000, 2048, 4096, 11008, 32, 32, AS_MANY, AS_MANY, 1e-6, false);

    @Override
    public List<String> modelTypes() {
        return List.of("llama");
    }

    @Override
    public FamilyTraits traits() {
        return TRAITS;
    }

    @Override
    public Model load(ModelSource source) throws IOException {
        return new GatedDecoder(source, TRAITS, new DecoderForm(source.config(), DEFAULTS));
    }
}
