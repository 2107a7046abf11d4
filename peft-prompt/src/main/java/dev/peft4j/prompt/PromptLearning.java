package dev.peft4j.prompt;

import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.site.ModelSites;
import dev.peft4j.core.site.TransformerSites;

/** A config of a method of this package. */
sealed interface PromptLearning extends PeftConfig permits PromptTuningConfig, PrefixTuningConfig, PTuningConfig {
    /** What all of them have. */
    PromptSettings settings();

    @Override
    default int rowsInFront() {
        return settings().virtualTokens();
    }

    @Override
    default void requireFits(ModelSites base) {
        TransformerSites model = TransformerSites.require(base, peftType());
        settings().check(model);
        PeftConfig.super.requireFits(model);
    }
}
