package dev.peft4j.models;

import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.FamilyTraits;
import dev.peft4j.core.site.TaskType;
import java.io.IOException;
import java.util.List;

/** Llama for the service loader. */
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
        return new Llama(source, TRAITS);
    }
}
