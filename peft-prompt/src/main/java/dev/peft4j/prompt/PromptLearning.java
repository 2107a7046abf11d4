package dev.peft4j.prompt;

import dev.peft4j.core.adapter.PeftConfig;

/** A config of a method of this package. */
sealed interface PromptLearning extends PeftConfig permits PromptTuningConfig, PrefixTuningConfig, PTuningConfig {
    /** What all of them have. */
    PromptSettings settings();
}
