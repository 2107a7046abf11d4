package dev.peft4j.lora;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Products;
import dev.peft4j.core.site.LinearSite;
import dev.peft4j.core.site.ModelSites;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Tensor;
import java.util.List;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** LoRA whose B has a bias ({@code lora_bias}): {@code y = x Wᵀ + s · (x Aᵀ Bᵀ + c)}, c (1, O). */
final class LoraBias extends LoraLayer {
    private final Parameter c; // (1, O)

    LoraBias(LoraConfig config, LinearSite site, ModelSites model, RandomGenerator random) {
        super(config, site, model, random);
        c = new Parameter(
                site.name() + ".lora_B.bias", Tensor.zeros(model.backend().dtype(), 1, site.out()), site.out());
    }

    @Override
    public List<Parameter> parameters() {
        return List.of(a, b, c);
    }

    @Override
    public void forward(Call call, Node x, Node y) {
        super.forward(call, x, y);
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

    @Override
    Factors factors(Backend backend) {
        Factors f = super.factors(backend);
        return new Factors(f.b(), f.a(), f.r(), f.scaling(), null, c.value().toDoubles());
    }

    @Override
    void store(Backend backend, double[] newA, double[] newB, double @Nullable [] lengths, double @Nullable [] bias) {
        super.store(backend, newA, newB, lengths, bias);
        if (bias == null) {
            c.value().fill(0);
        } else {
            c.value().set(bias);
        }
    }
}
