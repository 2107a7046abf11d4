package dev.peft4j.prompt;

import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.autograd.Products;
import dev.peft4j.core.layer.Functions;
import dev.peft4j.core.tensor.Activation;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Initial;
import dev.peft4j.core.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;
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
     * A network with PyTorch's first values: vectors N(0, 1), layers U(±1/√I).
     *
     * @param rows P
     * @param sizes of the vectors, of what follows, and of the rows
     * @param name of the layers in the state of a run, as PEFT calls them
     */
    RowNetwork(
            int rows,
            int[] sizes,
            String name,
            Activation activation,
            @Nullable BiLstm lstm,
            Backend backend,
            RandomGenerator random) {
        this.activation = activation;
        this.lstm = lstm;
        int width = lstm == null ? sizes[0] : lstm.inputSize();
        Tensor first = Tensor.allocate(backend.dtype(), rows, width);
        Initial.gaussian(first, 1, random);
        vectors = new Parameter("encoder.embedding.weight", first, rows, width);
        for (int i = 0; i + 1 < sizes.length; i++) {
            String layer = "encoder." + name + "." + 2 * i;
            double bound = 1 / Math.sqrt(sizes[i]);
            Tensor w = Tensor.allocate(backend.dtype(), sizes[i + 1], sizes[i]);
            Initial.uniform(w, bound, random);
            layers.add(new Parameter(layer + ".weight", w, sizes[i + 1], sizes[i]));
            Tensor b = Tensor.allocate(backend.dtype(), 1, sizes[i + 1]);
            Initial.uniform(b, bound, random);
            layers.add(new Parameter(layer + ".bias", b, sizes[i + 1]));
        }
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
