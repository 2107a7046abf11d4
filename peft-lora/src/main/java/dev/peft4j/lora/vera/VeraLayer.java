package dev.peft4j.lora.vera;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.adapter.LinearUpdate;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.autograd.Products;
import dev.peft4j.core.site.LinearSite;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Tensor;
import java.util.List;

/**
 * Vector-based random matrix adaptation: {@code y += b ⊙ (d ⊙ (drop(x) Aᵀ)) Bᵀ}, where A and B are random, frozen and shared by all layers.
 *
 * <p>Kopiczko et al. 2024, <a href="https://arxiv.org/abs/2310.11454">paper</a>, section 3.1.
 *
 * <p>Shapes: x (T, I), A (R, I) and B (O, R) are the first columns and rows of the shared ones, d (1, R), b (1, O). Cost: R + O parameters.
 */
final class VeraLayer implements LinearUpdate {
    private final Parameter b; // (1, O), lambda_b
    private final Parameter d; // (1, R), lambda_d
    private final Tensor matrixA; // (R, I)
    private final Tensor matrixB; // (O, R)
    private final double dropout;

    VeraLayer(VeraConfig config, LinearSite site, Tensor sharedA, Tensor sharedB) {
        matrixA = sharedA.columns(0, site.in());
        matrixB = sharedB.rows(0, site.out());
        dropout = config.dropout();
        b = new Parameter(site.name() + ".vera_lambda_b", Tensor.zeros(sharedA.dtype(), 1, site.out()), site.out());
        Tensor inner = Tensor.allocate(sharedA.dtype(), 1, config.r());
        inner.fill(config.start());
        d = new Parameter(site.name() + ".vera_lambda_d", inner, config.r());
    }

    @Override
    public List<Parameter> parameters() {
        return List.of(b, d);
    }

    @Override
    public void forward(Call call, Node x, Node y) {
        Pass pass = call.pass();
        Node h = Products.linear(pass, Products.dropped(pass, dropout, x), pass.node(matrixA)); // (T, R)
        Node z = Products.linear(pass, Products.scaleColumns(pass, h, pass.node(d)), pass.node(matrixB)); // (T, O)
        Products.addScaled(pass, y, 1, Products.scaleColumns(pass, z, pass.node(b)));
    }

    /** {@code W + diag(b) B diag(d) A}, in place. */
    @Override
    public void mergeInto(Backend backend, Tensor weight) {
        try (Tensor left = Tensor.allocate(backend.dtype(), matrixB.rows(), matrixB.cols())) {
            backend.kernels().scaleColumns(matrixB, d.value(), left);
            backend.kernels().scaleRows(left, b.value(), left);
            backend.matrices().gemm(false, false, 1, left, matrixA, 1, weight);
        }
    }
}
