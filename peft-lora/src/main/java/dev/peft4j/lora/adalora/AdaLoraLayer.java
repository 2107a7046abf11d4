package dev.peft4j.lora.adalora;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.adapter.LinearUpdate;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.autograd.Products;
import dev.peft4j.core.site.LinearSite;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Initial;
import dev.peft4j.core.tensor.Tensor;
import java.util.List;
import java.util.random.RandomGenerator;

/**
 * Low-rank update in the form of a singular value decomposition: {@code y += s · (E ⊙ (drop(x) Aᵀ)) Bᵀ}.
 *
 * <p>Zhang et al. 2023, <a href="https://arxiv.org/abs/2303.10512">paper</a>, section 3.1; E is zero at the start.
 *
 * <p>Shapes: x (T, I), A (R, I), E (1, R), (R, 1) in files, B (O, R).
 */
final class AdaLoraLayer implements LinearUpdate {
    final Parameter a;
    final Parameter b;
    final Parameter e;
    private final double scaling;
    private final double dropout;

    AdaLoraLayer(AdaLoraConfig config, LinearSite site, Backend backend, RandomGenerator random) {
        int r = config.rank(site);
        scaling = config.scaling(site);
        dropout = config.dropout();
        Tensor down = Tensor.allocate(backend.dtype(), r, site.in());
        Initial.gaussian(down, 0.02, random); // as PEFT
        Tensor up = Tensor.allocate(backend.dtype(), site.out(), r);
        Initial.gaussian(up, 0.02, random);
        a = new Parameter(site.name() + ".lora_A", down, r, site.in());
        b = new Parameter(site.name() + ".lora_B", up, site.out(), r);
        e = new Parameter(site.name() + ".lora_E", Tensor.zeros(backend.dtype(), 1, r), r, 1);
    }

    int rank() {
        return a.value().rows();
    }

    @Override
    public List<Parameter> parameters() {
        return List.of(a, e, b);
    }

    @Override
    public void forward(Call call, Node x, Node y) {
        if (rank() == 0) {
            return;
        }
        Pass pass = call.pass();
        Node h = Products.linear(pass, Products.dropped(pass, dropout, x), pass.node(a)); // (T, R)
        Products.addLinear(pass, y, scaling, Products.scaleColumns(pass, h, pass.node(e)), pass.node(b));
    }

    /** {@code W + s · B diag(E) A}, in place. */
    @Override
    public void mergeInto(Backend backend, Tensor weight) {
        if (rank() == 0) {
            return;
        }
        try (Tensor left = Tensor.allocate(backend.dtype(), b.value().rows(), rank())) {
            backend.kernels().scaleColumns(b.value(), e.value(), left);
            backend.matrices().gemm(false, false, scaling, left, a.value(), 1, weight);
        }
    }

    /**
     * Adds the gradient of {@code factor · (‖A Aᵀ - I‖ + ‖Bᵀ B - I‖)} with Frobenius norms (equation 5 of the paper has their squares; PEFT has the
     * norms), and returns its value.
     */
    double addPenalty(Pass pass, double factor) {
        return rank() == 0 ? 0 : addPenalty(pass, factor, a, true) + addPenalty(pass, factor, b, false);
    }

    private double addPenalty(Pass pass, double factor, Parameter p, boolean rows) {
        Backend backend = pass.backend();
        Tensor gram = pass.allocate(rank(), rank());
        double[] minusIdentity = new double[rank() * rank()];
        for (int i = 0; i < rank(); i++) {
            minusIdentity[i * rank() + i] = -1;
        }
        gram.set(minusIdentity);
        backend.matrices().gemm(!rows, rows, 1, p.value(), p.value(), 1, gram); // P Pᵀ - I, or Pᵀ P - I
        double norm = Math.sqrt(backend.kernels().sumOfSquares(gram));
        if (norm > 0 && p.isTrainable()) { // d‖G‖ = 2 G P / ‖G‖, or 2 P G / ‖G‖
            Tensor left = rows ? gram : p.value();
            Tensor right = rows ? p.value() : gram;
            backend.matrices().gemm(false, false, 2 * factor / norm, left, right, 1, p.grad());
        }
        return factor * norm;
    }
}
