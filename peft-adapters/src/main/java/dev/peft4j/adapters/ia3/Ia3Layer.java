package dev.peft4j.adapters.ia3;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.adapter.LinearUpdate;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.site.LinearSite;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Tensor;
import java.util.random.RandomGenerator;

/**
 * Scaling of activations by learned factors: {@code y = (x Wᵀ + b) ⊙ l} for keys and values, {@code y = (x ⊙ l) Wᵀ + b} for the second layer of a
 * feed-forward.
 *
 * <p>Liu et al. 2022, <a href="https://arxiv.org/abs/2205.05638">paper</a>, section 3.3.
 *
 * <p>Shapes: l (1, O), (O, 1) in files; or (1, I). Cost: O or I parameters.
 */
final class Ia3Layer extends Ia3Update implements LinearUpdate {
    Ia3Layer(Ia3Config config, LinearSite site, boolean input, Backend backend, RandomGenerator random) {
        super(config, site, input, backend, random, input ? 1 : site.out(), input ? site.in() : 1);
    }

    @Override
    public void forward(Call call, Node x, Node y) {
        scaleOutput(call, y);
    }

    @Override
    public void mergeInto(Backend backend, Tensor weight) {
        if (input) {
            backend.kernels().scaleColumns(weight, factors(), weight);
            return;
        }
        backend.kernels().scaleRows(weight, factors(), weight);
    }
}
