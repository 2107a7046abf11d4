package dev.peft4j.core.adapter;

import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.site.ModelSites;
import java.util.List;
import java.util.Map;

/** What to attach to a model. A record per method, validated when it is made. */
public interface PeftConfig {
    /** {@code peft_type} of the method: LORA. */
    String peftType();

    /** Number of elements of all parameters on a model; what an adapter will need is known before memory is taken for it. */
    long parameterCount(ModelSites model);

    /**
     * Makes sure that a model can have a new adapter of this config, before memory is taken for it and anything runs.
     *
     * @throws BadInputException if not
     */
    default void requireFits(ModelSites model) {
        if (parameterCount(model) < 1) {
            throw new BadInputException(peftType() + " was asked for, and it has nothing to train on this "
                    + model.modelType() + " model. Choose other layers, or another method.");
        }
    }

    /** Places of the context that an adapter of this config takes in front of each sequence. */
    default int rowsInFront() {
        return 0;
    }

    /**
     * This config with other modules trained whole ({@code modules_to_save}); with none for an adapter that is active beside another one that has the head of the
     * task.
     *
     * @throws BadInputException if the method cannot train any
     */
    default PeftConfig withModulesToSave(List<String> modules) {
        if (!modules.isEmpty()) {
            throw new BadInputException("modules_to_save " + modules + " was asked for; " + peftType()
                    + " trains none whole. Train them with another adapter beside it.");
        }
        return this;
    }

    /** What a file that was read had besides what this config has a place for. */
    default OtherFields otherFields() {
        return OtherFields.NONE;
    }

    /**
     * What keeps an adapter that was read from a file from being trained before it is corrected: names and patterns that match nothing in a model, which a
     * config that was made here has none of, as they are refused, and values of which training can make no use.
     */
    default List<String> untrainable(ModelSites model) {
        return otherFields().untrainable();
    }

    /**
     * The fields of {@code adapter_config.json} for an adapter that was made for a model, with PEFT's names and values that JSON has:
     * text, numbers, booleans, null, lists and maps.
     */
    Map<String, Object> toJson(ModelSites model);
}
