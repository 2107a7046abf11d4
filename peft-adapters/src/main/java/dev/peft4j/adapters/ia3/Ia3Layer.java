package dev.peft4j.adapters.ia3;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.adapter.LinearUpdate;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Products;
import dev.peft4j.core.site.LinearSite;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Initial;
import dev.peft4j.core.tensor.Tensor;
import java.util.List;
import java.util.random.RandomGenerator;

/**
 * Scaling of activations by learned factors: {@code y = (x Wᵀ + b) ⊙ l} for keys and values, {@code y = (x ⊙ l) Wᵀ + b} for the second layer of a
 * feed-forward.
 *
 * <p>Liu et al. 2022, <a href="https://arxiv.org/abs/2205.05638">paper</a>, section 3.3.
 *
 * <p>Shapes: l (1, O), (O, 1) in files; or (1, I). Cost: O or I parameters.
 */
final class Ia3Layer implements LinearUpdate {
    private final Parameter factors; // l
    private final boolean input;

    Ia3Layer(Ia3Config config, LinearSite site, boolean input, Backend backend, RandomGenerator random) {
        this.input = input;
        int n = input ? site.in() : site.out();
        Tensor l = Tensor.allocate(backend.dtype(), 1, n);
        if (config.onesAtStart()) {
            l.fill(1);
        } else {
            Initial.gaussian(l, 1, random);
        }
        factors = new Parameter(site.name() + ".ia3_l", l, input ? 1 : n, input ? n : 1);
    }

    Tensor factors() {
        return factors.value();
    }

    @Override
    public List<Parameter> parameters() {
        return List.of(factors);
    }

    @Override
    public boolean changesInput() {
        return input;
    }

    @Override
    public Node input(Call call, Node x) {
        return input ? Products.scaleColumns(call.pass(), x, call.pass().node(factors)) : x;
    }

    @Override
    public void forward(Call call, Node x, Node y) {
        if (!input) {
            Products.scaleInPlace(call.pass(), y, call.pass().node(factors));
        }
    }

    @Override
    public void mergeInto(Backend backend, Tensor weight) {
        if (input) {
            backend.kernels().scaleColumns(weight, factors.value(), weight);
            return;
        }
        backend.kernels().scaleRows(weight, factors.value(), weight);
    }

    @Override
    public boolean changesBias() {
        return !input;
    }

    @Override
    public boolean needsBias() {
        return false;
    }

    @Override
    public void mergeIntoBias(Backend backend, Tensor bias) {
        if (!input) {
            backend.kernels().scaleColumns(bias, factors.value(), bias);
        }
    }
}
