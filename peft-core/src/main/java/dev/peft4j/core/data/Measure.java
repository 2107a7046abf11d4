package dev.peft4j.core.data;

/** What is told of an evaluation beside the loss. */
public enum Measure {
    /** Of a language model: {@code e^loss}. */
    PERPLEXITY,
    /** Of a classifier: the share of predictions that are right. */
    ACCURACY,
    /** Of a model that predicts numbers: the root of the loss, which has their unit. */
    ROOT_MEAN_SQUARED_ERROR
}
