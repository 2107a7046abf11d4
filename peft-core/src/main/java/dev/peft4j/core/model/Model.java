package dev.peft4j.core.model;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.data.Batch;
import dev.peft4j.core.data.Example;
import dev.peft4j.core.data.Layout;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.layer.Head;
import dev.peft4j.core.layer.LossFunction;
import dev.peft4j.core.layer.RowLoss;
import dev.peft4j.core.site.ModelSites;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.core.weight.FrozenWeight;
import dev.peft4j.core.weight.Weights;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A frozen base model. Safe for many threads, each with its own pass. */
public interface Model extends ModelSites, AutoCloseable {
    /** The base tensors. */
    Weights weights();

    /** The directory that it was read from, or will be written to. */
    Path directory();

    /**
     * Names of files that its directory may have beside config and weights, and that belong to it when it is written elsewhere: of its tokenizer, and others that say
     * how it is used. Each is a name, or that of a folder and of a file in it.
     *
     * @throws IOException if a file that names others cannot be read
     */
    default List<String> files() throws IOException {
        return List.of();
    }

    /** Most tokens of a sequence; 0 of a model that reads none. */
    int contextLength();

    /** Tokens that texts are cut to if nobody asks for another length: {@link #contextLength}, or fewer if the checkpoint was made for fewer. */
    default int usualLength() {
        return contextLength();
    }

    /** Number of token ids V; 0 of a model that reads none. */
    int vocabularySize();

    /** What makes predictions of the rows of the backbone. */
    Head head();

    /** Which rows the backbone makes of a batch, with those that adapters put in front of sequences. */
    Layout layout(Call call, Batch batch);

    /** The same with adapters that act on all sequences, known before there is a pass. */
    Layout layout(Batch batch, List<Adapter> adapters);

    /**
     * The backbone: hidden states of some rows (n, C), after the final norm.
     *
     * @param rows numbers of the rows in rising order, as {@link #layout} counts them; null for all
     * @throws BadInputException if it reads batches of another kind, or the batch does not fit
     */
    Node hidden(Call call, Batch batch, int @Nullable [] rows);

    /**
     * Makes sure that an example can be read with adapters that act on it.
     *
     * @param name of the example, for the message
     * @param rowsInFront places of the context that adapters take
     * @throws BadInputException if it is too long, or of another kind
     */
    void requireFits(String name, Example example, int rowsInFront);

    /** Logits of the rows that the head reads: of every token (T, V) of a language model, of every sequence (B, classes) of a classifier. */
    default Node logits(Call call, Batch batch) {
        Layout layout = layout(call, batch);
        int[] rows = head().rows(layout);
        Head.Features features = head().features(layout.over(call, rows), layout, hidden(call, batch, rows));
        return head().logits(features.call(), features.rows());
    }

    /**
     * The loss of a batch. In a pass that can run backwards, {@link dev.peft4j.core.autograd.Pass#backward} then gives the gradients
     * of {@code scale · sum}.
     */
    default Loss loss(Call call, Batch batch, double scale) {
        return loss(call, batch, scale, head().loss());
    }

    /** The same with another loss than that of the head. */
    default Loss loss(Call call, Batch batch, double scale, LossFunction function) {
        Layout layout = layout(call, batch);
        Head.Scored scored = head().scored(layout);
        Node hidden = hidden(call, batch, scored.rows());
        Head.Features features = head().features(layout.over(call, scored.rows()), layout, hidden);
        double sum = RowLoss.forward(features, scored.targets(), scale, head(), function);
        return new Loss(sum, scored.count());
    }

    /**
     * How many tokens, sequences or images of a batch are scored: rows that adapters put in front of a sequence predict its first token.
     *
     * @throws BadInputException if its targets are of a kind that the head has no use for
     */
    default int scored(Call call, Batch batch) {
        return head().scored(layout(call, batch)).count();
    }

    /** The same with adapters that act on all sequences, known before there is a pass. */
    default int scored(Batch batch, List<Adapter> adapters) {
        return head().scored(layout(batch, adapters)).count();
    }

    @Override
    default TaskType taskType() {
        return head().task();
    }

    @Override
    default Set<String> tensorNames() {
        return weights().names();
    }

    @Override
    default FrozenWeight weight(String name) {
        return weights().weight(name);
    }

    @Override
    default Tensor vector(String name) {
        return weights().vector(name);
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
