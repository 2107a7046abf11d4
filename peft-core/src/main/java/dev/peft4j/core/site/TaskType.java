package dev.peft4j.core.site;

import java.util.Optional;

/** What a model is trained for; the names are those of {@code task_type} in PEFT's files, but for the tasks that PEFT has none for. */
public enum TaskType {
    /** Predicts the next token. */
    CAUSAL_LM,
    /** Predicts classes, labels or numbers of a sequence. */
    SEQ_CLS,
    /** Predicts a class of each token. */
    TOKEN_CLS,
    /** Finds the span of a sequence that answers a question. */
    QUESTION_ANS,
    /** Gives a vector of a sequence. */
    FEATURE_EXTRACTION,
    /** Predicts tokens that are hidden. PEFT has no name for it. */
    MASKED_LM,
    /** Predicts classes, labels or numbers of an image. PEFT has no name for it. */
    IMAGE_CLS;

    /** {@code task_type} in PEFT's files; empty where PEFT knows no such task. */
    public Optional<String> peftName() {
        return this == MASKED_LM || this == IMAGE_CLS ? Optional.empty() : Optional.of(name());
    }

    /** Whether what is predicted is that of a whole text or image: one of several classes, any of several labels, or numbers. */
    public boolean classifiesWhole() {
        return this == SEQ_CLS || this == IMAGE_CLS;
    }

    /** What the work of a run is counted in. */
    public String unit() {
        return this == IMAGE_CLS ? "images" : "tokens";
    }

    /** Whether outputs are classes or numbers that have names of their own, which a config tells in {@code id2label}. */
    public boolean classifies() {
        return classifiesWhole() || this == TOKEN_CLS;
    }
}
