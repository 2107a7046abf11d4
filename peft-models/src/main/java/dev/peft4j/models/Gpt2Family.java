package dev.peft4j.models;

import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.FamilyTraits;
import dev.peft4j.core.site.TaskType;
import java.io.IOException;
import java.util.List;

/** GPT-2 for the service loader. */
public final class Gpt2Family implements ModelFamily {
    private static final FamilyTraits TRAITS = FamilyTraits.builder("transformer.")
            .targets("LORA", "c_attn")
            .targets("IA3", "c_attn", "mlp.c_proj")
            .feedForward("mlp.c_proj")
            .targets("LN_TUNING", "ln_1", "ln_2", "ln_f")
            .head(TaskType.CAUSAL_LM, "lm_head", "GPT2LMHeadModel")
            .head(TaskType.SEQ_CLS, "score", "GPT2ForSequenceClassification")
            .fanInFanOut()
            .build();

    @Override
    public List<String> modelTypes() {
        return List.of("gpt2");
    }

    @Override
    public FamilyTraits traits() {
        return TRAITS;
    }

    @Override
    public Model load(ModelSource source) throws IOException {
        return new Gpt2(source, TRAITS);
    }
}
