package dev.peft4j.prompt;

import dev.peft4j.core.adapter.ModelSites;
import dev.peft4j.core.adapter.PeftConfig;

/** A config of a method of this package. */
sealed interface PromptLearning extends PeftConfig permits PromptTuningConfig, PrefixTuningConfig, PTuningConfig {
    /** What all of them have. */
    PromptSettings settings();

    @Override
    default int rowsInFront() {
        return settings().virtualTokens();
    }

    @Override
    default void requireFits(ModelSites model) {
        settings().check(model);
        PeftConfig.super.requireFits(model);
    }
}
