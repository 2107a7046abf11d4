package dev.peft4j.lora.loha;

import dev.peft4j.core.adapter.DeltaUpdate;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.autograd.Products;
import dev.peft4j.core.site.LinearSite;
import dev.peft4j.core.tensor.Backend;
import java.util.List;
import java.util.random.RandomGenerator;

/**
 * Low-rank Hadamard product: {@code ΔW = (w1a w1b) ⊙ (w2a w2b)}, scaled by {@code alpha / r}; its rank reaches R².
 *
 * <p>Hyeon-Woo et al. 2022 (FedPara), <a href="https://arxiv.org/abs/2108.06098">paper</a>, proposition 1, as LyCORIS has it.
 *
 * <p>Shapes: w1a, w2a (O, R), w1b, w2b (R, I). Cost: 2·R·(I + O) parameters; ΔW is computed in each pass that records, and once for those that infer.
 */
final class LoHaLayer extends DeltaUpdate {
    private final Parameter w1a;
    private final Parameter w1b;
    private final Parameter w2a;
    private final Parameter w2b;

    LoHaLayer(LoHaConfig config, LinearSite site, Backend backend, RandomGenerator random) {
        super(config.scaling(site), config.rankDropout(), config.moduleDropout(), true);
        int r = config.rank(site);
        w1a = uniform(site, "hada_w1_a", backend, site.out(), r, random);
        w1b = uniform(site, "hada_w1_b", backend, r, site.in(), random);
        w2a = uniform(site, "hada_w2_a", backend, site.out(), r, random);
        w2b = uniform(site, "hada_w2_b", backend, r, site.in(), random);
        if (config.zeroStart()) {
            w2b.value().fill(0);
        }
    }

    @Override
    public List<Parameter> parameters() {
        return List.of(w1a, w1b, w2a, w2b);
    }

    @Override
    protected Node delta(Pass pass) {
        Node w1 = Products.multiply(pass, pass.node(w1a), pass.node(w1b)); // (O, I)
        Node w2 = Products.multiply(pass, pass.node(w2a), pass.node(w2b)); // (O, I)
        return Products.elementwise(pass, w1, w2);
    }
}
