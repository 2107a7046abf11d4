package dev.peft4j.models;

import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.FamilyTraits;
import dev.peft4j.core.site.TaskType;
import java.io.IOException;
import java.util.List;

/** A family whose model is a {@link GatedDecoder}: Llama's names of layers, and a form that says what differs. */
abstract class GatedFamily implements ModelFamily {
    private final String modelType;
    private final FamilyTraits traits;

    /**
     * With its traits.
     *
     * @param className of transformers, in front of {@code ForCausalLM}
     * @param builder with the default layers of the methods
     */
    GatedFamily(String modelType, String className, FamilyTraits.Builder builder) {
        this.modelType = modelType;
        this.traits = builder.head(TaskType.CAUSAL_LM, "lm_head", className + "ForCausalLM")
                .head(TaskType.SEQ_CLS, "score", className + "ForSequenceClassification")
                .groupedKeys()
                .build();
    }

    /** Default layers of the methods in PEFT for a family with separate projections. */
    static FamilyTraits.Builder targets(List<String> ia3, List<String> norms) {
        return FamilyTraits.builder("model.")
                .targets("LORA", "q_proj", "v_proj")
                .targets("IA3", ia3.toArray(new String[0]))
                .feedForward("down_proj")
                .targets("LN_TUNING", norms.toArray(new String[0]));
    }

    /** What a config makes of the model. */
    abstract DecoderForm form(ModelConfig config) throws IOException;

    @Override
    public final List<String> modelTypes() {
        return List.of(modelType);
    }

    @Override
    public final FamilyTraits traits() {
        return traits;
    }

    @Override
    public final Model load(ModelSource source) throws IOException {
        return new GatedDecoder(source, traits, form(source.config()));
    }
}
