package dev.peft4j.core.data;

import java.util.Locale;

/** What a classifier predicts of a sequence, and by which loss: {@code problem_type} of {@code config.json}. */
public enum ProblemType {
    /** One class of several: cross entropy. */
    SINGLE_LABEL_CLASSIFICATION,
    /** Any of several labels: binary cross entropy of each, and their mean. */
    MULTI_LABEL_CLASSIFICATION,
    /** One number or several: squared error of each, and their mean. */
    REGRESSION;

    /** As configs of transformers have it. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
