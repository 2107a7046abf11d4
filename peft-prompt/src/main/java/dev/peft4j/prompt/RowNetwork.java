package dev.peft4j.prompt;

import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.autograd.Products;
import dev.peft4j.core.layer.Functions;
import dev.peft4j.core.tensor.Activation;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.core.tensor.TorchRandom;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The rows come out of a small network over trained vectors: linear layers with an activation between them, behind a bidirectional LSTM if there is one.
 *
 * <p>Li and Liang 2021, <a href="https://arxiv.org/abs/2101.00190">paper</a>, section 4.3 (prefix: one hidden layer, tanh); Liu et al. 2021, <a
 * href="https://arxiv.org/abs/2103.10385">paper</a>, section 3.2 (P-tuning: two hidden layers or an LSTM, ReLU).
 */
final class RowNetwork implements RowSource {
    private final Parameter vectors; // (P, d)
    private final @Nullable BiLstm lstm;
    private final List<Parameter> layers = new ArrayList<>(); // weight (O, I) and bias (1, O) by turns
    private final Activation activation;

    /**
     * A network with PyTorch's first values: layers U(±1/√I).
     *
     * @param first values of the vectors
     * @param sizes of the input of the first layer, of what follows, and of the rows
     * @param name of the layers in the state of a run, as PEFT calls them
     */
    RowNetwork(
            Tensor first,
            int[] sizes,
            String name,
            Activation activation,
            @Nullable BiLstm lstm,
            Backend backend,
            TorchRandom random) {
        this.activation = activation;
        this.lstm = lstm;
        vectors = new Parameter("encoder.embedding.weight", first, first.rows(), first.cols());
        for (int i = 0; i + 1 < sizes.length; i++) {
            String layer = "encoder." + name + "." + 2 * i;
            double bound = 1 / Math.sqrt(sizes[i]);
            Tensor w = Tensor.allocate(backend.dtype(), sizes[i + 1], sizes[i]);
            random.uniform(w, -bound, bound);
            layers.add(new Parameter(layer + ".weight", w, sizes[i + 1], sizes[i]));
            Tensor b = Tensor.allocate(backend.dtype(), 1, sizes[i + 1]);
            random.uniform(b, -bound, bound);
            layers.add(new Parameter(layer + ".bias", b, sizes[i + 1]));
        }
    }

    /** Makes the last layer 0, and with it all rows. */
    void startAtZero() {
        layers.subList(layers.size() - 2, layers.size()).forEach(p -> p.value().fill(0));
    }

    @Override
    public List<Parameter> parameters() {
        List<Parameter> all = new ArrayList<>(List.of(vectors));
        if (lstm != null) {
            all.addAll(lstm.parameters());
        }
        all.addAll(layers);
        return all;
    }

    @Override
    public Node rows(Pass pass) {
        Node x = pass.node(vectors);
        if (lstm != null) {
            x = lstm.forward(pass, x);
        }
        for (int i = 0; i < layers.size(); i += 2) {
            x = Products.linear(pass, x, pass.node(layers.get(i)));
            Products.addBias(pass, x, pass.node(layers.get(i + 1)));
            if (i + 2 < layers.size()) {
                x = Functions.activation(pass, activation, x);
            }
        }
        return x;
    }
}
