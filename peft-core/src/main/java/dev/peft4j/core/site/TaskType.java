package dev.peft4j.core.site;

/** What a model is trained for; the names are those of {@code task_type} in PEFT's files. */
public enum TaskType {
    /** Predicts the next token. */
    CAUSAL_LM,
    /** Predicts a class of a sequence. */
    SEQ_CLS
}
