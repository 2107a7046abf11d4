package dev.peft4j.lora;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.adapter.LinearUpdate;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.autograd.Products;
import dev.peft4j.core.site.LinearSite;
import dev.peft4j.core.site.ModelSites;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.core.weight.FrozenWeight;
import java.util.List;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Low-rank adaptation of a linear layer: {@code y = x Wᵀ + s · drop(x) Aᵀ Bᵀ}, with {@code s = alpha / r}.
 *
 * <p>Hu et al. 2021, <a href="https://arxiv.org/abs/2106.09685">paper</a>, section 4.1. Choose it when the adapter must be merged into
 * the base for serving.
 *
 * <p>Shapes: x (T, I), A (R, I), B (O, R), y (T, O). Cost: R·(I + O) parameters, 2·T·R·(I + O) extra operations.
 */
class LoraLayer implements LinearUpdate {
    final double scaling;
    final Parameter a; // (R, I)
    final Parameter b; // (O, R)
    private final double dropout;

    LoraLayer(LoraConfig config, LinearSite site, ModelSites model, RandomGenerator random) {
        Backend backend = model.backend();
        int r = config.rank(site);
        scaling = config.scaling(site);
        dropout = config.dropout();
        LoraFactors first =
                LoraFactors.of(config.firstValues(), r, scaling, model.weight(model.weightName(site)), backend, random);
        a = new Parameter(site.name() + ".lora_A.weight", first.a(), r, site.in());
        b = new Parameter(site.name() + ".lora_B.weight", first.b(), site.out(), r);
    }

    @Override
    public List<Parameter> parameters() {
        return List.of(a, b);
    }

    @Override
    public void forward(Call call, Node x, Node y) {
        addUpdate(call.pass(), dropped(call.pass(), x), y);
    }

    /** What A gets of x: less of it while training with dropout. */
    final Node dropped(Pass pass, Node x) {
        return Products.dropped(pass, dropout, x);
    }

    /** {@code y += s · x Aᵀ Bᵀ}, in place. */
    final void addUpdate(Pass pass, Node x, Node y) {
        Node h = Products.linear(pass, x, pass.node(a)); // (T, R)
        Products.addLinear(pass, y, scaling, h, pass.node(b));
    }

    /** {@code W + s · B A}, in place. */
    @Override
    public void mergeInto(Backend backend, Tensor weight) {
        backend.matrices().gemm(false, false, scaling, b.value(), a.value(), 1, weight);
    }

    /** Computes with another weight (O, I) of the base: that of a file. */
    void useBase(FrozenWeight weight, Backend backend) {
        // the update does not depend on it
    }

    /** The update as numbers. */
    Factors factors(Backend backend) {
        return new Factors(
                b.value().toDoubles(), a.value().toDoubles(), a.value().rows(), scaling, null, null);
    }

    /** Sets what is trained; lengths and bias are those of the variants that have them. */
    void store(Backend backend, double[] newA, double[] newB, double @Nullable [] lengths, double @Nullable [] bias) {
        a.value().set(newA);
        b.value().set(newB);
    }
}
