package dev.peft4j.core.layer;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.site.LinearSite;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.MatrixEngine;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.core.weight.FrozenWeight;
import org.jspecify.annotations.Nullable;

/**
 * A linear layer: {@code y = x Wᵀ + b}, followed by what the active adapters do at its site.
 *
 * <p>Shapes: x (T, I), W (O, I), b (1, O), y (T, O).
 */
public final class Linear {
    private final LinearSite site;
    private final String ownName;
    private final String weightName;
    private final String biasName;
    private final FrozenWeight weight;
    private final @Nullable Tensor bias;

    /** A layer over a base weight, and a bias if it has one. */
    public Linear(LinearSite site, FrozenWeight weight, @Nullable Tensor bias) {
        this(site, site.name() + ".weight", weight, bias);
    }

    /**
     * A layer whose weight is the tensor of another name: a head that is tied to the embedding. What takes the place of the embedding does not take that
     * of the head unless an adapter says so.
     */
    public Linear(LinearSite site, String weightName, FrozenWeight weight, @Nullable Tensor bias) {
        this(site, weightName, weight, site.name() + ".bias", bias);
    }

    /** The same with a bias that has a name of its own. */
    public Linear(LinearSite site, String weightName, FrozenWeight weight, String biasName, @Nullable Tensor bias) {
        this.site = site;
        this.ownName = site.name() + ".weight";
        this.weightName = weightName;
        this.biasName = biasName;
        this.weight = weight;
        this.bias = bias;
    }

    public LinearSite site() {
        return site;
    }

    /** The name of the tensor that is its weight. */
    public String weightName() {
        return weightName;
    }

    /** Runs the layer. */
    public Node forward(Call call, Node x) {
        Pass pass = call.pass();
        Node y = pass.node(pass.allocate(x.value().rows(), site.out()));
        for (Call part : call.partsIf(this::changesProduct)) {
            product(part, part.rows(x), part.rows(y));
        }
        for (Call part : call.parts()) {
            if (!part.adapters().isEmpty()) {
                Node mine = part.rows(x);
                Node out = part.rows(y);
                for (Adapter adapter : part.adapters()) {
                    adapter.linear(part, site, mine, out);
                }
            }
        }
        pass.tell(site.name(), x, y);
        return y;
    }

    private boolean changesProduct(Adapter adapter) {
        return adapter.changesInput(site)
                || adapter.replacement(ownName) != null
                || (bias != null && adapter.replacement(biasName) != null);
    }

    /** {@code y = x Wᵀ + b} with what the adapters put in the place of x, W and b. */
    private void product(Call call, Node given, Node y) {
        Pass pass = call.pass();
        Backend backend = pass.backend();
        Node x = given;
        for (Adapter adapter : call.adapters()) {
            x = adapter.layerInput(call, site, x);
        }
        Node w = call.replacement(ownName);
        Node b = bias == null ? null : call.vector(biasName, bias);
        if (b != null) {
            backend.kernels().fillRows(b.value(), y.value());
        }
        double beta = b == null ? 0 : 1;
        if (w != null) {
            weight.products(backend).gemm(false, true, 1, x.value(), w.value(), beta, y.value());
        } else {
            weight.multiply(pass, x.value(), beta, y.value());
        }
        boolean trained = w != null && w.isTracked();
        if (pass.isRecording() && (x.isTracked() || trained || (b != null && b.isTracked()))) {
            Node input = x;
            pass.record(y, () -> backward(pass, input, w, b, y), trained ? new Tensor[] {x.value()} : NOTHING);
        }
    }

    private static final Tensor[] NOTHING = {};

    private void backward(Pass pass, Node x, @Nullable Node w, @Nullable Node b, Node y) {
        MatrixEngine matrices = weight.products(pass.backend());
        Tensor dy = y.grad();
        if (x.isTracked()) {
            double beta = pass.prepareGrad(x) ? 1 : 0;
            if (w != null) {
                matrices.gemm(false, false, 1, dy, w.value(), beta, x.grad()); // dx = dy W
            } else {
                weight.multiplyTransposed(pass, dy, beta, x.grad());
            }
        }
        if (w != null && w.isTracked()) {
            double beta = pass.prepareGrad(w) ? 1 : 0;
            matrices.gemm(true, false, 1, dy, x.value(), beta, w.grad()); // dW = dyᵀ x
        }
        if (b != null && b.isTracked()) {
            pass.backend().kernels().addColumnSums(dy, b.grad()); // db = Σ dy
        }
    }
}
