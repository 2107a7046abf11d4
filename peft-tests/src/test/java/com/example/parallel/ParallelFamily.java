package com.example.parallel;

import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.FamilyTraits;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.models.ModelFamily;
import dev.peft4j.models.ModelSource;
import java.io.IOException;
import java.util.List;

/** The parallel decoder for the service loader. */
public final class ParallelFamily implements ModelFamily {
    private static final FamilyTraits TRAITS = FamilyTraits.builder("trunk.")
            .targets("LORA", "ask", "tell")
            .targets("IA3", "find", "tell", "feed.narrow")
            .feedForward("feed.narrow")
            .targets("LN_TUNING", "pre_rms", "last_rms")
            .head(TaskType.CAUSAL_LM, "unembed", "ParallelForCausalLM")
            .groupedKeys()
            .build();

    @Override
    public List<String> modelTypes() {
        return List.of("parallel_decoder");
    }

    @Override
    public FamilyTraits traits() {
        return TRAITS;
    }

    @Override
    public Model load(ModelSource source) throws IOException {
        return new ParallelDecoder(source, TRAITS);
    }
}
