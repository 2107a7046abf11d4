package dev.peft4j.models;

import dev.peft4j.core.site.TaskType;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.weight.Weights;
import java.io.IOException;
import java.util.Set;

/**
 * What a family makes a model of.
 *
 * @param config the fields of {@code config.json}
 * @param weights the tensors of the checkpoint; the model owns them once it is made
 * @param backend the engine
 * @param task that the model is to have a head for; one of those that the family serves
 * @param outputs of a classifier that were asked for; 0 for those that the config names
 * @param seed of layers that the checkpoint does not have
 * @param head the form of the head of a classifier of whole texts or images
 * @param isHeadNew whether the head is new whatever the checkpoint has, because another form was asked for
 */
public record ModelSource(
        ModelConfig config,
        Weights weights,
        Backend backend,
        TaskType task,
        int outputs,
        long seed,
        NewHead head,
        boolean isHeadNew) {
    /** {@code model_type}. */
    String modelType() throws IOException {
        return config.text("model_type", "");
    }

    /** Tokens that end a text; none for a model that is made from nothing. */
    Set<Integer> endTokens(int vocabularySize) throws IOException {
        return weights.isNew() ? Set.of() : EndTokens.of(config.directory(), vocabularySize);
    }
}
