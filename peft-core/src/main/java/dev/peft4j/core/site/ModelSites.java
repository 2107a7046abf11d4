package dev.peft4j.core.site;

import dev.peft4j.core.autograd.Leased;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.core.weight.FrozenWeight;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** What an adapter method sees of a model: where it may act, and the tensors that it may copy. */
public interface ModelSites extends Leased {
    /** {@code model_type} of the checkpoint. */
    String modelType();

    /** What is particular to its family. */
    FamilyTraits traits();

    /** What the model predicts. */
    TaskType taskType();

    /** All linear layers in the order of the forward pass. */
    List<LinearSite> linearSites();

    /** The tables of token vectors; not those of positions and segments. */
    List<EmbeddingSite> embeddingSites();

    /**
     * The table of the tokens that a model reads.
     *
     * @param what needs it, for the message
     * @throws BadInputException if it reads none
     */
    default EmbeddingSite tokens(String what) {
        if (embeddingSites().isEmpty()) {
            throw new BadInputException(what + " was asked for, which is of tokens; this " + modelType()
                    + " model reads none. Leave it out, or use a model of texts.");
        }
        return embeddingSites().get(0);
    }

    /** All norms in the order of the forward pass. */
    List<NormSite> normSites();

    /** All convolutions in the order of the forward pass. */
    default List<ConvSite> convSites() {
        return List.of();
    }

    /**
     * Names of the blocks in the order of the forward pass: transformer blocks, residual layers, or what else is repeated. Of a family that does not say, the
     * outermost numbered list with most tensors.
     */
    default List<String> blocks() {
        return BlockNames.of(tensorNames());
    }

    /** Names of tensors that are statistics and have no gradient: running means and variances of norms. */
    default Set<String> statistics() {
        return Set.of();
    }

    /** The name of the tensor that is the weight of a linear layer: its own, or the embedding that a head is tied to. */
    default String weightName(LinearSite site) {
        return site.name() + ".weight";
    }

    /** The name of the tensor that is the bias of a linear layer, if it has one: its own, or that beside an output layer, which transformers ties to its own. */
    default String biasName(LinearSite site) {
        return site.name() + ".bias";
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
    default FrozenWeight usedWeight(String name) {
        return weight(storedName(name));
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

    /** Layers that the class of transformers has and that nothing here computes, by their names: the pooler of an encoder that gives vectors. PEFT finds them too. */
    default List<String> layersElsewhere() {
        return List.of();
    }

    /** Modules that the checkpoint did not have, and that start with random values. */
    List<String> newModules();

    /** Where the model was read from, as it was given; written as {@code base_model_name_or_path}. */
    String source();

    /** A base tensor: a matrix (out, in) whatever its layout in the file, or a vector as one row. Never changed by an adapter. */
    FrozenWeight weight(String name);

    /**
     * A vector of the base (1, n): a bias, or the weight of a norm. Never changed by an adapter.
     *
     * @throws BadInputException if it is a matrix
     */
    Tensor vector(String name);

    /** Number of elements of a base tensor. */
    default long elements(String name) {
        FrozenWeight w = weight(name);
        return (long) w.out() * w.in();
    }

    /** Dimensions of a base tensor as this library keeps it: two for a matrix, one for a vector. */
    int[] shape(String name);

    /** Whether a base tensor is (in, out) in files, as the weights of GPT-2's Conv1D. */
    boolean isTransposed(String name);

    /** Names of the modules that are trained whole for the task of this model because the checkpoint may not have them: the classifier. */
    List<String> taskModules();

    /** The engine that the model computes with. */
    Backend backend();

    /**
     * Makes sure that what was made for another model can be used with this one: they have tensors of the same names and dimensions.
     *
     * @param what was made, for the message
     * @throws BadInputException if they differ
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
            throw new BadInputException(what + " was made for the " + other.modelType() + " model of "
                    + other.source() + ", and is used with the " + modelType() + " model of " + source()
                    + ", whose layers are others. Use it with the model that it was made for.");
        }
    }
}
