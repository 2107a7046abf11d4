package dev.peft4j.lora;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.autograd.Products;
import dev.peft4j.core.site.LinearSite;
import dev.peft4j.core.site.ModelSites;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.core.weight.FrozenWeight;
import java.util.Arrays;
import java.util.random.RandomGenerator;

/**
 * LoRA that starts with directions of the base (PiSSA: Meng et al. 2024, <a href="https://arxiv.org/abs/2404.02948">paper</a>, section 3; OLoRA):
 * {@code y = x (W - s · B₀ A₀)ᵀ + s · x Aᵀ Bᵀ}. The base is not changed: what A and B started with is subtracted here, so other adapters of the
 * same base keep their meaning.
 *
 * <p>Shapes: A₀ (R, I), B₀ (O, R), frozen.
 */
final class ResidualLora extends LoraLayer {
    private final Tensor startA; // (R, I)
    private final Tensor startB; // (O, R)

    ResidualLora(LoraConfig config, LinearSite site, ModelSites model, RandomGenerator random) {
        super(config, site, model, random);
        startA = a.value().copy(a.value().dtype());
        startB = b.value().copy(b.value().dtype());
    }

    Tensor startA() {
        return startA;
    }

    Tensor startB() {
        return startB;
    }

    @Override
    public void forward(Call call, Node x, Node y) {
        super.forward(call, x, y);
        Pass pass = call.pass();
        Node h = Products.linear(pass, x, pass.node(startA)); // (T, R)
        Products.addLinear(pass, y, -scaling, h, pass.node(startB)); // y -= s · x A₀ᵀ B₀ᵀ
    }

    @Override
    public void mergeInto(Backend backend, Tensor weight) {
        super.mergeInto(backend, weight);
        backend.matrices().gemm(false, false, -scaling, startB, startA, 1, weight);
    }

    /** A file that has the weight has it without what was taken from it. */
    @Override
    void useBase(FrozenWeight weight, Backend backend) {
        startA.fill(0);
        startB.fill(0);
    }

    /** Frees what it started with; the parameters are freed by the adapter. */
    void closeStart() {
        startA.close();
        startB.close();
    }

    /** {@code [B, -B₀] [A; A₀]}. */
    @Override
    Factors factors(Backend backend) {
        Factors f = super.factors(backend);
        int r = f.r();
        double[] start = startB.toDoubles();
        double[] joined = new double[2 * f.b().length];
        for (int o = 0; o < startB.rows(); o++) {
            for (int k = 0; k < r; k++) {
                joined[o * 2 * r + k] = f.b()[o * r + k];
                joined[o * 2 * r + r + k] = -start[o * r + k];
            }
        }
        double[] below = Arrays.copyOf(f.a(), 2 * f.a().length);
        System.arraycopy(startA.toDoubles(), 0, below, f.a().length, f.a().length);
        return new Factors(joined, below, 2 * r, f.scaling(), null, null);
    }
}
