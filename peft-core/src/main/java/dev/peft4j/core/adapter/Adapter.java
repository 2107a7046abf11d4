package dev.peft4j.core.adapter;

import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.tensor.Tensor;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What was added to a base model: parameters, and what they do at each site. Everything generic (counting, freezing, saving, loading,
 * merging) is written once over this contract. The base is never changed.
 */
public interface Adapter extends AutoCloseable {
    /** What it was made from. */
    PeftConfig config();

    /** All parameters, named as in PEFT's files without the prefix {@code base_model.model.}; in a fixed order. */
    List<Parameter> parameters();

    /**
     * Acts at a linear layer after the base product: changes y in place and records how.
     *
     * @param x (T, I), the input of the layer
     * @param y (T, O), its output so far
     */
    default void linear(Call call, LinearSite site, Node x, Node y) {}

    /**
     * Acts behind a sub-layer, in front of its residual connection.
     *
     * @param y (T, C), the output of the sub-layer
     * @param residual (T, C), what will be added to it
     * @return y itself, changed in place or not, or another node in its place
     */
    default Node subLayer(Call call, BlockSite site, Node y, Node residual) {
        return y;
    }

    /** Keys and values (P, width) that every sequence of the batch gets in front of its own, or null for none. */
    default @Nullable KeysAndValues keysAndValues(Call call, BlockSite site) {
        return null;
    }

    /** Rows (P, C) that every sequence of the batch gets in front of its embedded tokens, or null for none. */
    default @Nullable Node inputRows(Call call, int width) {
        return null;
    }

    /**
     * Extra keys and values of one block.
     *
     * @param keys (P, width), after any rotation
     * @param values (P, width)
     */
    record KeysAndValues(Node keys, Node values) {}

    /** How many rows {@link #inputRows} puts in front of every sequence. */
    default int inputRowCount() {
        return 0;
    }

    /** Whether it puts rows in front of sequences; such an adapter generates without a cache of keys and values. */
    default boolean addsRows() {
        return false;
    }

    /** The parameter that takes the place of a base tensor while this adapter is active, or null. */
    default @Nullable Parameter replacement(String tensorName) {
        return null;
    }

    /** Whether it acts at a linear layer. */
    default boolean actsAt(LinearSite site) {
        return false;
    }

    /** Adds what the adapter does at a linear layer to a copy (O, I) of its weight. */
    default void mergeInto(LinearSite site, Tensor weight) {}

    /** Whether it changes the biases of the layers at which it acts. */
    default boolean changesBias() {
        return false;
    }

    /** Adds what the adapter does to the bias (1, O) of a linear layer to a copy of it. */
    default void mergeIntoBias(LinearSite site, Tensor bias) {}

    /** Tensors that readers of the file expect besides the parameters, by the same names as these. */
    default Map<String, Tensor> alsoSaved() {
        return Map.of();
    }

    /** Number of elements of the parameters that are trained. */
    default long trainableCount() {
        return parameters().stream()
                .filter(Parameter::isTrainable)
                .mapToLong(Parameter::size)
                .sum();
    }

    /** Frees the parameters. */
    @Override
    void close();
}
