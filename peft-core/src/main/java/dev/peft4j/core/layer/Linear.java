package dev.peft4j.core.layer;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.adapter.LinearSite;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.FrozenWeight;
import dev.peft4j.core.tensor.MatrixEngine;
import dev.peft4j.core.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * A linear layer: {@code y = x Wᵀ + b}, followed by what the active adapters do at its site.
 *
 * <p>Shapes: x (T, I), W (O, I), b (1, O), y (T, O).
 */
public final class Linear {
    private final LinearSite site;
    private final String weightName;
    private final FrozenWeight weight;
    private final @Nullable Tensor bias;

    /** A layer over a base weight, and a bias if it has one. */
    public Linear(LinearSite site, FrozenWeight weight, @Nullable Tensor bias) {
        this(site, site.name() + ".weight", weight, bias);
    }

    /** A layer whose weight is the tensor of another name: a head that is tied to the embedding. */
    public Linear(LinearSite site, String weightName, FrozenWeight weight, @Nullable Tensor bias) {
        this.site = site;
        this.weightName = weightName;
        this.weight = weight;
        this.bias = bias;
    }

    public LinearSite site() {
        return site;
    }

    /** Runs the layer. */
    public Node forward(Call call, Node x) {
        Pass pass = call.pass();
        Backend backend = pass.backend();
        Node w = call.tensor(weightName, weight.dense());
        Node b = bias == null ? null : call.tensor(site.name() + ".bias", bias);
        boolean replaced = w.value() != weight.dense();
        Tensor out = pass.allocate(x.value().rows(), site.out());
        if (b != null) {
            backend.kernels().fillRows(b.value(), out);
        }
        double beta = b == null ? 0 : 1;
        if (replaced) {
            backend.matrices().gemm(false, true, 1, x.value(), w.value(), beta, out);
        } else {
            weight.multiply(backend, x.value(), beta, out);
        }
        Node y = pass.node(out);
        boolean biasTracked = b != null && b.isTracked();
        if (pass.needsGrad(x, w) || (pass.isRecording() && biasTracked)) {
            pass.record(
                    y, () -> backward(pass, x, w, b, y, replaced), w.isTracked() ? new Tensor[] {x.value()} : NOTHING);
        }
        pass.check(site.name(), y);
        for (Adapter adapter : call.adapters()) {
            adapter.linear(call, site, x, y);
        }
        return y;
    }

    private static final Tensor[] NOTHING = {};

    private void backward(Pass pass, Node x, Node w, @Nullable Node b, Node y, boolean replaced) {
        MatrixEngine matrices = pass.backend().matrices();
        Tensor dy = y.grad();
        if (x.isTracked()) {
            double beta = pass.prepareGrad(x) ? 1 : 0;
            if (replaced) {
                matrices.gemm(false, false, 1, dy, w.value(), beta, x.grad()); // dx = dy W
            } else {
                weight.multiplyTransposed(pass.backend(), dy, beta, x.grad());
            }
        }
        if (w.isTracked()) {
            double beta = pass.prepareGrad(w) ? 1 : 0;
            matrices.gemm(true, false, 1, dy, x.value(), beta, w.grad()); // dW = dyᵀ x
        }
        if (b != null && b.isTracked()) {
            pass.backend().kernels().addColumnSums(dy, b.grad()); // db = Σ dy
        }
    }
}
