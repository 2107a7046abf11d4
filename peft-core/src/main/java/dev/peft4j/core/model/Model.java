package dev.peft4j.core.model;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.adapter.ModelSites;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.tensor.Tensor;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;

/** A frozen base model. Safe for many threads, each with its own pass. */
public interface Model extends ModelSites, AutoCloseable {
    /** The base tensors. */
    Weights weights();

    /** The directory that it was read from, or will be written to. */
    Path directory();

    /** Number of token ids V. */
    int vocabularySize();

    /** What a classifier predicts of a sequence; of no meaning for a language model. */
    default ProblemType problemType() {
        return ProblemType.SINGLE_LABEL_CLASSIFICATION;
    }

    /** Logits of every token (T, V) of a language model, or of every sequence (B, classes) of a classifier. */
    Node logits(Call call, PackedBatch batch);

    /**
     * The loss of a batch. In a pass that can run backwards, {@link dev.peft4j.core.autograd.Pass#backward} then gives the gradients
     * of {@code scale · sum}.
     */
    Loss loss(Call call, PackedBatch batch, double scale);

    /** How many tokens or sequences of a batch are scored in a call: rows that adapters put in front of a sequence predict its first token. */
    int scored(Call call, PackedBatch batch);

    /** The same with adapters that act on all sequences, known before there is a pass. */
    int scored(PackedBatch batch, List<Adapter> adapters);

    @Override
    default Set<String> tensorNames() {
        return weights().names();
    }

    @Override
    default Tensor tensor(String name) {
        return weights().tensor(name);
    }

    @Override
    default int[] shape(String name) {
        return weights().shape(name);
    }

    @Override
    default boolean isTransposed(String name) {
        return weights().isTransposed(name);
    }

    /** Frees the weights. */
    @Override
    void close();
}
