package dev.peft4j.core.adapter;

import java.util.Map;

/**
 * How one {@code peft_type} turns a config and a model into an {@link Adapter}. Found by {@link java.util.ServiceLoader}, so a method
 * is a jar on the class path.
 */
public interface PeftMethod {
    /** The {@code peft_type} that it handles. */
    String peftType();

    /**
     * Reads the fields of {@code adapter_config.json}.
     *
     * @throws IllegalArgumentException if a field that changes the result is not supported
     */
    PeftConfig read(Map<String, Object> json);

    /**
     * Makes an adapter for a model, initialised as PEFT does.
     *
     * @param seed of the random numbers
     * @throws IllegalArgumentException if the config does not fit the model
     */
    Adapter create(PeftConfig config, ModelSites model, long seed);
}
