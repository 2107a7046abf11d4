package dev.peft4j.models;

import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.FamilyTraits;
import dev.peft4j.core.site.TaskType;
import java.io.IOException;
import java.util.List;

/**
 * A family of models. Found by {@link java.util.ServiceLoader}, so a family is a jar on the class path: the model itself, which usually extends
 * {@link Decoder} or {@link BaseModel}, and this.
 */
public interface ModelFamily {
    /** The values of {@code model_type} in {@code config.json} that it reads. */
    List<String> modelTypes();

    /** Names, and what PEFT and transformers hold of the family. */
    FamilyTraits traits();

    /**
     * What a model of this config predicts: the task whose class the config names; else the next token if the family does that.
     *
     * @throws dev.peft4j.core.error.BadFileException if the checkpoint is for a task that the family does not serve
     */
    default TaskType task(ModelConfig config) throws IOException {
        return config.task(traits());
    }

    /**
     * Makes the model. Fields of the config that change the math and are not computed are refused by their names ({@link ModelConfig#require}).
     *
     * @throws dev.peft4j.core.error.BadFileException if a field is wrong or not supported, or a tensor is missing or has other dimensions
     */
    Model load(ModelSource source) throws IOException;
}
