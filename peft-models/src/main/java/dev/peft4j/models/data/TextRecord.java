package dev.peft4j.models.data;

import org.jspecify.annotations.Nullable;

/**
 * One record of a data file.
 *
 * @param prompt text that is read but not scored; empty for none
 * @param text what is learnt: the completion, or the text to classify
 * @param label class of the text, or null for a language model
 */
public record TextRecord(String prompt, String text, @Nullable Integer label) {}
