package dev.peft4j.core.adapter;

import dev.peft4j.core.autograd.Leased;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Tensor;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** What an adapter method sees of a model: where it may act, and the tensors that it may copy. */
public interface ModelSites extends Leased {
    /** {@code model_type} of the checkpoint: gpt2, llama, bert. */
    String modelType();

    /** What the model predicts. */
    TaskType taskType();

    /** All linear layers in the order of the forward pass. */
    List<LinearSite> linearSites();

    /** The tables of token vectors; not those of positions and segments. */
    List<EmbeddingSite> embeddingSites();

    /** All norms in the order of the forward pass. */
    List<NormSite> normSites();

    /** The blocks: places where keys and values come in, and behind attention and feed-forward, in their order. */
    List<BlockSite> blockSites();

    /** Heads of queries. */
    int attentionHeads();

    /** Heads of keys and values. */
    int keyHeads();

    /** Most tokens of a sequence. */
    int contextLength();

    /**
     * What the base attends to in each layer when it reads one sequence (T, 2 L D): for each layer the keys, with their positions, and then the values. A
     * prefix of these rows stands for the text.
     *
     * @return to be closed by the caller
     */
    Tensor keysAndValues(int... tokens);

    /** Columns of the hidden states C. */
    default int width() {
        return embeddingSites().get(0).width();
    }

    /** The name of the tensor that is the weight of a linear layer: its own, or the embedding that a head is tied to. */
    default String weightName(LinearSite site) {
        return site.name() + ".weight";
    }

    /** Whether a head has no weight of its own but that of an embedding. */
    default boolean isTied(LinearSite site) {
        return !weightName(site).equals(site.name() + ".weight");
    }

    /** Names of all tensors of the checkpoint. */
    Set<String> tensorNames();

    /** Names under which tensors are used: those of the checkpoint, and those of the weights of heads that are tied to an embedding. */
    default Set<String> usedNames() {
        Set<String> names = new LinkedHashSet<>(tensorNames());
        linearSites().stream().filter(this::isTied).forEach(head -> names.add(head.name() + ".weight"));
        return names;
    }

    /** The tensor that is used under a name. */
    default Tensor usedTensor(String name) {
        return tensor(storedName(name));
    }

    /** The name in the checkpoint of the tensor that is used under a name: that of the embedding for the weight of a tied head. */
    default String storedName(String name) {
        for (LinearSite head : linearSites()) {
            if (isTied(head) && name.equals(head.name() + ".weight")) {
                return weightName(head);
            }
        }
        return name;
    }

    /** Modules that the checkpoint did not have, and that start with random values. */
    List<String> newModules();

    /** Where the model was read from, as it was given; written as {@code base_model_name_or_path}. */
    String source();

    /** A base tensor; weights are (out, in) whatever their layout in the file. Never changed by an adapter. */
    Tensor tensor(String name);

    /** Dimensions of a base tensor as this library keeps it: two for a matrix, one for a vector. */
    int[] shape(String name);

    /** Whether a base tensor is (in, out) in files, as the weights of GPT-2's Conv1D. */
    boolean isTransposed(String name);

    /** Names of the modules that are trained whole for the task of this model because the checkpoint may not have them: the classifier. */
    List<String> taskModules();

    /** Whether linear weights are (in, out) in the checkpoint, as GPT-2's Conv1D: PEFT's {@code fan_in_fan_out}. */
    boolean fanInFanOut();

    /** The engine that the model computes with. */
    Backend backend();

    /**
     * Makes sure that what was made for another model can be used with this one: they have tensors of the same names and dimensions.
     *
     * @param what was made, for the message
     * @throws IllegalArgumentException if they differ
     */
    default void requireAlike(ModelSites other, String what) {
        if (other == this) {
            return;
        }
        boolean alike = modelType().equals(other.modelType()) && usedNames().equals(other.usedNames());
        for (String name : alike ? usedNames() : Set.<String>of()) {
            alike &= Arrays.equals(shape(storedName(name)), other.shape(other.storedName(name)));
        }
        if (!alike) {
            throw new IllegalArgumentException(what + " was made for the " + other.modelType() + " model of "
                    + other.source() + ", and is used with the " + modelType() + " model of " + source()
                    + ", whose layers are others. Use it with the model that it was made for.");
        }
    }
}
