package dev.peft4j.core.adapter;

import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Tensor;
import java.util.List;

/** What a method does at one layer that multiplies its input with a weight: what {@link LinearUpdate} and {@link ConvUpdate} have in common. */
public interface LayerUpdate {
    /** Its parameters, in a fixed order. */
    List<Parameter> parameters();

    /** See {@link Adapter#layerInput}. */
    default Node input(Call call, Node x) {
        return x;
    }

    /** Whether {@link #input} changes the input. */
    default boolean changesInput() {
        return false;
    }

    /** See {@link Adapter#scalesChanges}. */
    default boolean scalesChanges() {
        return false;
    }

    /** Does to a copy of the weight, (O, I) or (O, I / groups · taps), what it does to the output. */
    void mergeInto(Backend backend, Tensor weight);

    /** Whether it changes the bias of the layer. */
    default boolean changesBias() {
        return false;
    }

    /** Whether a layer without a bias would need one. */
    default boolean needsBias() {
        return true;
    }

    /** Does the same to a copy (1, O) of the bias. */
    default void mergeIntoBias(Backend backend, Tensor bias) {}

    /** Frees what it has besides its parameters, when no pass uses it any more. */
    default void free() {}
}
