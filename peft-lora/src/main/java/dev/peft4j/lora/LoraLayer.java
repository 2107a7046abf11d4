package dev.peft4j.lora;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.adapter.LinearSite;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.MatrixEngine;
import dev.peft4j.core.tensor.Tensor;
import java.util.List;
import java.util.random.RandomGenerator;

/**
 * Low-rank adaptation of a linear layer: {@code y = x Wᵀ + s · drop(x) Aᵀ Bᵀ}, with {@code s = alpha / r}.
 *
 * <p>Hu et al. 2021, <a href="https://arxiv.org/abs/2106.09685">paper</a>, section 4.1. Choose it when the adapter must be merged into
 * the base for serving.
 *
 * <p>Shapes: x (T, I), A (R, I), B (O, R), y (T, O). Cost: R·(I + O) parameters, 2·T·R·(I + O) extra operations.
 */
class LoraLayer implements AutoCloseable {
    final double scaling;
    final Parameter a; // (R, I)
    final Parameter b; // (O, R)
    private final double dropout;

    /** A is random, B zero, so that a new adapter changes nothing. */
    LoraLayer(LoraConfig config, LinearSite site, Backend backend, RandomGenerator random) {
        int r = config.rank(site);
        scaling = config.scaling(site);
        dropout = config.dropout();
        Tensor down = Tensor.allocate(backend.dtype(), r, site.in());
        double bound = 1 / Math.sqrt(site.in()); // kaiming_uniform(a=√5) = U(-1/√in, 1/√in), as PEFT
        for (int i = 0; i < r; i++) {
            for (int j = 0; j < site.in(); j++) {
                down.set(i, j, random.nextDouble(-bound, bound));
            }
        }
        a = new Parameter(site.name() + ".lora_A.weight", down, r, site.in());
        b = new Parameter(site.name() + ".lora_B.weight", Tensor.zeros(backend.dtype(), site.out(), r), site.out(), r);
    }

    List<Parameter> parameters() {
        return List.of(a, b);
    }

    /** Adds the update to y, in place. */
    void forward(Call call, Node x, Node y) {
        Pass pass = call.pass();
        MatrixEngine m = pass.backend().matrices();
        boolean drop = pass.isTraining() && dropout > 0;
        long seed = drop ? pass.nextSeed() : 0;
        Tensor input = drop ? pass.allocate(x.value().rows(), x.value().cols()) : x.value();
        if (drop) {
            pass.backend().kernels().dropout(dropout, seed, x.value(), input);
        }
        Tensor h = pass.allocate(x.value().rows(), a.value().rows()); // (T, R)
        m.gemm(false, true, 1, input, a.value(), 0, h); // h = x Aᵀ
        m.gemm(false, true, scaling, h, b.value(), 1, y.value()); // y += s · h Bᵀ
        Node nodeA = pass.node(a);
        Node nodeB = pass.node(b);
        if (pass.needsGrad(x, nodeA, nodeB)) {
            pass.record(y, () -> backward(pass, x, y, nodeA, nodeB, input, h, seed), input, h);
        }
    }

    private void backward(Pass pass, Node x, Node y, Node nodeA, Node nodeB, Tensor input, Tensor h, long seed) {
        MatrixEngine m = pass.backend().matrices();
        Tensor dy = y.grad();
        Tensor dh = pass.allocate(h.rows(), h.cols());
        m.gemm(false, false, scaling, dy, b.value(), 0, dh); // dh = s · dy B
        if (nodeB.isTracked()) {
            m.gemm(true, false, scaling, dy, h, pass.prepareGrad(nodeB) ? 1 : 0, nodeB.grad()); // dB = s · dyᵀ h
        }
        if (nodeA.isTracked()) {
            m.gemm(true, false, 1, dh, input, pass.prepareGrad(nodeA) ? 1 : 0, nodeA.grad()); // dA = dhᵀ x
        }
        if (x.isTracked() && input == x.value()) {
            m.gemm(false, false, 1, dh, a.value(), pass.prepareGrad(x) ? 1 : 0, x.grad()); // dx = dh A
        } else if (x.isTracked()) {
            Tensor dx = pass.allocate(x.value().rows(), x.value().cols());
            m.gemm(false, false, 1, dh, a.value(), 0, dx);
            pass.backend().kernels().dropout(dropout, seed, dx, dx);
            pass.addGrad(x, dx);
        }
    }

    /** {@code W + s · B A}, in place. */
    void mergeInto(Backend backend, Tensor weight) {
        backend.matrices().gemm(false, false, scaling, b.value(), a.value(), 1, weight);
    }

    @Override
    public void close() {
        parameters().forEach(Parameter::close);
    }
}
