package dev.peft4j.core.adapter;

import dev.peft4j.core.autograd.Leased;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.error.WrongUseException;
import dev.peft4j.core.site.BlockSite;
import dev.peft4j.core.site.ConvSite;
import dev.peft4j.core.site.EmbeddingSite;
import dev.peft4j.core.site.LinearSite;
import dev.peft4j.core.site.ModelSites;
import dev.peft4j.core.site.Site;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Patches;
import dev.peft4j.core.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What was added to a base model: parameters, and what they do at each site. Everything generic (counting, freezing, saving, loading,
 * merging) is written once over this contract. The base is never changed.
 */
public interface Adapter extends Leased, AutoCloseable {
    /** What it was made from. */
    PeftConfig config();

    /** All parameters, named as in PEFT's files without the prefix {@code base_model.model.}; in a fixed order. */
    List<Parameter> parameters();

    /**
     * Makes sure that it was made for a model of the same family and dimensions.
     *
     * @throws BadInputException if not
     */
    default void requireFits(ModelSites model) {}

    /**
     * The input that the base product of a linear layer or a convolution gets instead of x; x itself, unless {@link #changesInput}. Several adapters change it
     * one after the other, before any acts on the output.
     *
     * @param x (T, I), or (N · H · W, I)
     */
    default Node layerInput(Call call, Site site, Node x) {
        return x;
    }

    /** Whether it multiplies what adapters in front of it add to the output of a layer, beside the base product. */
    default boolean scalesChanges(Site site) {
        return false;
    }

    /** Whether it changes the input of the base product of a layer. */
    default boolean changesInput(Site site) {
        return false;
    }

    /**
     * Acts at a linear layer after the base product: changes y in place and records how.
     *
     * @param x (T, I), the input of the layer, as it is without adapters
     * @param y (T, O), its output so far
     */
    default void linear(Call call, LinearSite site, Node x, Node y) {}

    /**
     * Acts at a convolution after the base product: changes y in place and records how.
     *
     * @param patches of the images that it reads
     * @param x (N · H · W, I), its input
     * @param y (N · H' · W', O), its output so far
     */
    default void convolution(Call call, ConvSite site, Patches patches, Node x, Node y) {}

    /**
     * Acts at a table of token vectors: changes y in place and records how.
     *
     * @param ids of the T tokens
     * @param y (T, C), what was looked up
     */
    default void embedding(Call call, EmbeddingSite site, int[] ids, Node y) {}

    /**
     * Acts behind a sub-layer, in front of its residual connection.
     *
     * @param y (T, C), the output of the sub-layer
     * @param residual (T, C), what will be added to it
     * @param norm what the sum goes through; does nothing where a block has its norms in front of the sub-layers
     * @return y itself, changed in place or not, or another node in its place
     */
    default Node subLayer(Call call, BlockSite site, Node y, Node residual, Norm norm) {
        return y;
    }

    /** A layer norm behind a residual connection. */
    interface Norm {
        /** A block without such a norm. */
        Norm NONE = (call, x) -> x;

        /** x (T, C) normalised, as a new node. */
        Node apply(Call call, Node x);
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

    /** How many keys and values {@link #keysAndValues} puts in front of every sequence; the positions of its tokens begin behind them. */
    default int keyRowCount() {
        return 0;
    }

    /** Whether it puts rows in front of sequences. */
    default boolean addsRows() {
        return inputRowCount() > 0 || keyRowCount() > 0;
    }

    /** The file that holds a parameter. */
    default String tensorFile(Parameter parameter) {
        return "adapter_model.safetensors";
    }

    /** The parameter that takes the place of a base tensor while this adapter is active, or null. */
    default @Nullable Parameter replacement(String tensorName) {
        return null;
    }

    /**
     * Whether a norm of channels takes the statistics of the batch in training passes; the adapter has running ones that move with them in the place of those
     * of the base.
     *
     * @param norm name of the module
     */
    default boolean takesBatchStatistics(String norm) {
        return false;
    }

    /**
     * Share of the batch in running statistics that move.
     *
     * @param usual that of the norm
     */
    default double statisticsMomentum(double usual) {
        return usual;
    }

    /** Whether it acts at a layer. */
    default boolean actsAt(Site site) {
        return false;
    }

    /**
     * Does to a copy of the weight of a layer what the adapter does when the layer runs.
     *
     * @param weight (O, I), (O, I / groups · taps) of a convolution, or a table (V, C)
     */
    default void mergeInto(Site site, Tensor weight) {}

    /** Whether it changes the bias of a layer. */
    default boolean changesBias(Site site) {
        return false;
    }

    /** Whether a layer without a bias gets one by it, so that it cannot be merged there. */
    default boolean needsBias(Site site) {
        return true;
    }

    /** Whether all that it does is a change of weights. */
    default boolean isMergeable() {
        return !addsRows();
    }

    /** Adds what the adapter does to the bias (1, O) of a layer to a copy of it. */
    default void mergeIntoBias(Site site, Tensor bias) {}

    /** Tensors that readers of the file expect besides the parameters, by the same names as these. */
    default Map<String, SavedTwin> alsoSaved() {
        return Map.of();
    }

    /**
     * A tensor that is in a file once more, under another name.
     *
     * @param tensor of the adapter or of the base
     * @param transposed whether rows and columns are exchanged in the file
     * @param shape dimensions of the tensor, not exchanged
     */
    record SavedTwin(Tensor tensor, boolean transposed, List<Integer> shape) {
        static SavedTwin of(Parameter p, boolean transposed) {
            return new SavedTwin(
                    p.value(), transposed, Arrays.stream(p.shape()).boxed().toList());
        }
    }

    /** Tensors that are not trained, by their whole names in files; read back where a file has them. */
    default Map<String, Tensor> buffers() {
        return Map.of();
    }

    /** Whether a file has to have a tensor of {@link #buffers}. */
    default boolean requiresBuffer(String name) {
        return true;
    }

    /** What names in files begin with. */
    default String prefix() {
        return "base_model.model.";
    }

    /** The name in files of a parameter. */
    default String savedName(Parameter parameter) {
        return prefix() + parameter.name();
    }

    /** Whether rows and columns of a parameter are exchanged in files, as those of its base tensor are. */
    default boolean isTransposedInFile(Parameter parameter) {
        return false;
    }

    /** What is written in its place: itself, or a new adapter that is closed after writing. */
    default Adapter forSaving(ModelSites model) {
        return this;
    }

    /**
     * Adds the gradient of what the method adds to the loss; called once in each training step after the backward passes.
     *
     * @param pass for working memory
     * @return the value that it adds to the mean loss
     */
    default double addPenalty(Pass pass) {
        return 0;
    }

    /**
     * Is told that the optimiser has changed the parameters, whose gradients are still there.
     *
     * @param step from 1
     */
    default void afterStep(Backend backend, int step) {}

    /** What it remembers between training steps besides its parameters, by names of its own: saved and read back with the state of a run. */
    default Map<String, Tensor> trainingState() {
        return Map.of();
    }

    /** Is told that its parameters have the values of a file now. */
    default void afterLoading() {}

    /** Is told how many steps a training run will make, before the first. */
    default void beforeTraining(int steps) {}

    /** Places of the context that it takes in front of each sequence, by rows or by keys. */
    default int rowsInFront() {
        return inputRowCount() + keyRowCount();
    }

    /** Tables of which it trains rows, by their names, and the numbers of these rows. */
    default Map<String, int[]> trainedRows() {
        return Map.of();
    }

    /** Number of elements of the parameters that are trained. */
    default long trainableCount() {
        return parameters().stream()
                .filter(Parameter::isTrainable)
                .mapToLong(Parameter::size)
                .sum();
    }

    /** Keeps its parameters as they are in training runs. */
    default void freeze() {
        parameters().forEach(p -> p.setTrainable(false));
    }

    /**
     * Is told that a pass works with it until the pass is closed; its memory has to last as long.
     *
     * @throws WrongUseException if it is closed
     */
    default void use(Pass pass) {}

    /** Whether it is closed, so that no pass can use it any more. */
    default boolean isClosed() {
        return false;
    }

    /** Frees the parameters, at once or when the last pass that uses them is closed. */
    @Override
    void close();
}
