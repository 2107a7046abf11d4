package dev.peft4j.lora;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Products;
import dev.peft4j.core.site.ConvSite;
import dev.peft4j.core.site.ModelSites;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Patches;
import dev.peft4j.core.tensor.Tensor;
import java.util.List;
import java.util.random.RandomGenerator;

/** LoRA of a convolution whose B has a bias ({@code lora_bias}): {@code y = x * W + s · ((x * A) Bᵀ + c)}, c (1, O). */
final class ConvLoraBias extends ConvLora {
    private final Parameter c; // (1, O)

    ConvLoraBias(LoraConfig config, ConvSite site, ModelSites model, RandomGenerator random) {
        super(config, site, model, random);
        c = new Parameter(
                site.name() + ".lora_B.bias", Tensor.zeros(model.backend().dtype(), 1, site.out()), site.out());
    }

    @Override
    public List<Parameter> parameters() {
        return List.of(a, b, c);
    }

    @Override
    public void forward(Call call, Patches patches, Node x, Node y) {
        super.forward(call, patches, x, y);
        Products.addBias(call.pass(), y, scaling, call.pass().node(c));
    }

    @Override
    public boolean changesBias() {
        return true;
    }

    /** The bias of the layer after merging: {@code b + s · c}. */
    @Override
    public void mergeIntoBias(Backend backend, Tensor bias) {
        backend.kernels().addScaled(scaling, c.value(), bias);
    }
}
