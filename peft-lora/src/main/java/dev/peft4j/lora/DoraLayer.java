package dev.peft4j.lora;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.autograd.Products;
import dev.peft4j.core.site.LinearSite;
import dev.peft4j.core.site.ModelSites;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.core.weight.FrozenProducts;
import dev.peft4j.core.weight.FrozenWeight;
import java.util.List;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Weight-decomposed LoRA: {@code y = m / ‖W + s·B A‖ ⊙ (x Wᵀ + s · x Aᵀ Bᵀ)}, where the norm is of each row and m is trained.
 *
 * <p>Liu et al. 2024, <a href="https://arxiv.org/abs/2402.09353">paper</a>, section 4.1; the norm is a constant for the derivative, section
 * 4.3 (see {@link Magnitude}).
 *
 * <p>Shapes: as LoRA, m (1, O). While training with dropout, what the gain adds to the base product has the dropped input too, as in PEFT:
 * {@code y = x Wᵀ + (m / norm) ⊙ u - d Wᵀ} with {@code u = d Wᵀ + s · d Aᵀ Bᵀ} and {@code d = drop(x)}.
 */
final class DoraLayer extends LoraLayer {
    private final Magnitude magnitude;
    private FrozenWeight weight; // (O, I), of the base
    private final @Nullable Tensor bias; // (1, O), of the base
    private final String biasName;

    DoraLayer(LoraConfig config, LinearSite site, ModelSites model, RandomGenerator random) {
        super(config, site, model, random);
        weight = model.weight(model.weightName(site));
        biasName = site.name() + ".bias";
        bias = model.tensorNames().contains(biasName) ? model.vector(biasName) : null;
        RowNorms norms = new LowRankNorms(model.backend(), weight, false, this.a, this.b, scaling);
        magnitude = new Magnitude(site.name(), model.backend(), norms, this.a, this.b, site.out());
    }

    @Override
    public List<Parameter> parameters() {
        return List.of(a, b, magnitude.parameter());
    }

    @Override
    void useBase(FrozenWeight other, Backend backend) {
        weight = other;
        magnitude.useBase(other, backend);
    }

    @Override
    public boolean scalesChanges() {
        return true;
    }

    @Override
    public void forward(Call call, Node x, Node y) {
        Pass pass = call.pass();
        Node input = dropped(pass, x);
        if (input != x) {
            Node u = FrozenProducts.linear(pass, input, weight);
            Products.addScaled(pass, y, -1, u);
            addUpdate(pass, input, u);
            magnitude.scale(pass, u);
            Products.addScaled(pass, y, 1, u);
            return;
        }
        addUpdate(pass, x, y);
        Node outside = bias == null ? null : call.vector(biasName, bias); // of the product
        if (outside != null) {
            Products.addBias(pass, y, -1, outside);
        }
        magnitude.scale(pass, y);
        if (outside != null) {
            Products.addBias(pass, y, outside);
        }
    }

    @Override
    public void mergeInto(Backend backend, Tensor merged) {
        magnitude.mergeInto(backend, merged, false, () -> super.mergeInto(backend, merged));
    }

    @Override
    Factors factors(Backend backend) {
        return magnitude.withGains(backend, super.factors(backend));
    }

    @Override
    void store(Backend backend, double[] newA, double[] newB, double @Nullable [] lengths, double @Nullable [] noBias) {
        super.store(backend, newA, newB, lengths, noBias);
        magnitude.store(backend, lengths);
    }

    @Override
    public void free() {
        magnitude.free();
    }
}
