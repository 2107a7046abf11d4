package dev.peft4j.lora;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.autograd.Products;
import dev.peft4j.core.layer.Convolutions;
import dev.peft4j.core.site.ConvSite;
import dev.peft4j.core.site.ModelSites;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Patches;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.core.weight.FrozenWeight;
import java.util.List;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Weight-decomposed LoRA of a convolution: {@code y = m / ‖W + s·B A‖ ⊙ (x * W + s · (x * A) Bᵀ)}, where the norm is over all that an output channel reads, and a
 * constant for the derivative. As {@link DoraLayer} otherwise.
 *
 * <p>Shapes: as {@link ConvLora}, m (1, O), (1, O, 1, 1) in files.
 */
final class ConvDora extends ConvLora {
    private final Magnitude magnitude;
    private FrozenWeight weight; // (O, I / groups · taps), of the base
    private final @Nullable Tensor bias; // (1, O), of the base
    private final String biasName;

    ConvDora(LoraConfig config, ConvSite site, ModelSites model, RandomGenerator random) {
        super(config, site, model, random);
        weight = model.weight(site.name() + ".weight");
        biasName = site.name() + ".bias";
        bias = model.tensorNames().contains(biasName) ? model.vector(biasName) : null;
        RowNorms norms = site.groups() == 1
                ? new LowRankNorms(model.backend(), weight, false, a, b, scaling)
                : new GroupNorms(site, weight, a, b, scaling);
        magnitude = new Magnitude(site.name(), model.backend(), norms, a, b, 1, site.out(), 1, 1);
    }

    @Override
    public List<Parameter> parameters() {
        return List.of(a, b, magnitude.parameter());
    }

    /** Computes with another weight of the base: that of a file. */
    void useBase(FrozenWeight other, Backend backend) {
        weight = other;
        magnitude.useBase(other, backend);
    }

    @Override
    public boolean scalesChanges() {
        return true;
    }

    @Override
    public void forward(Call call, Patches patches, Node x, Node y) {
        Pass pass = call.pass();
        Node input = dropped(pass, x);
        if (input != x) {
            Node u = pass.node(pass.allocate(y.value().rows(), site.out()));
            Convolutions.frozen(pass, patches, site.groups(), input, weight, 0, u);
            Products.addScaled(pass, y, -1, u);
            addUpdate(pass, patches, input, u);
            magnitude.scale(pass, u);
            Products.addScaled(pass, y, 1, u);
            return;
        }
        addUpdate(pass, patches, x, y);
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
    public void free() {
        magnitude.free();
    }
}
