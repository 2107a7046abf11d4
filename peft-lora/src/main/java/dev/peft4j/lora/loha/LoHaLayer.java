package dev.peft4j.lora.loha;

import dev.peft4j.core.adapter.DeltaUpdate;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.autograd.Products;
import dev.peft4j.core.site.Site;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.lora.Tucker;
import java.util.List;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Low-rank Hadamard product: {@code ΔW = (w1a w1b) ⊙ (w2a w2b)}, scaled by {@code alpha / r}; its rank reaches R².
 *
 * <p>Hyeon-Woo et al. 2022 (FedPara), <a href="https://arxiv.org/abs/2108.06098">paper</a>, proposition 1, as LyCORIS has it; proposition 3 is that of
 * convolutions whose factors have small kernels t1 and t2 between them.
 *
 * <p>Shapes: w1a, w2a (O, R), w1b, w2b (R, I); with kernels w1a, w2a (R, O), w1b, w2b (R, I / groups), t1, t2 (R, R, height, width). Cost: 2·R·(I + O)
 * parameters; ΔW is computed in each pass that records, and once for those that infer. With kernels, the gradients of w1a and w2a are the derivatives, which
 * those of PEFT 0.21.2 are not: it takes the factors of the other product for them.
 */
final class LoHaLayer extends DeltaUpdate {
    private final Parameter w1a;
    private final Parameter w1b;
    private final Parameter w2a;
    private final Parameter w2b;
    private final @Nullable Parameter t1;
    private final @Nullable Parameter t2;

    LoHaLayer(LoHaConfig config, Site site, Backend backend, RandomGenerator random) {
        super(config.scaling(site), config.rankDropout(), config.moduleDropout(), true);
        LoHaShape s = LoHaShape.of(config, site);
        int rows = s.hasKernels() ? s.r() : s.out();
        int cols = s.hasKernels() ? s.out() : s.r();
        w1a = uniform(site, "hada_w1_a", backend, rows, cols, random);
        w1b = uniform(site, "hada_w1_b", backend, s.r(), s.in(), random);
        w2a = uniform(site, "hada_w2_a", backend, rows, cols, random);
        w2b = uniform(site, "hada_w2_b", backend, s.r(), s.in(), random);
        if (config.zeroStart()) {
            w2b.value().fill(0);
        }
        t1 = s.hasKernels() ? kernel(site, "hada_t1", s, backend, random) : null;
        t2 = s.hasKernels() ? kernel(site, "hada_t2", s, backend, random) : null;
    }

    private static Parameter kernel(Site site, String name, LoHaShape s, Backend backend, RandomGenerator random) {
        int r = s.r();
        return uniform(site, name, backend, r, r * s.taps(), random, r, r, s.kernelHeight(), s.kernelWidth());
    }

    @Override
    public List<Parameter> parameters() {
        return t1 == null || t2 == null ? List.of(w1a, w1b, w2a, w2b) : List.of(w1a, w1b, w2a, w2b, t1, t2);
    }

    @Override
    protected Node delta(Pass pass) {
        return Products.elementwise(pass, product(pass, w1a, w1b, t1), product(pass, w2a, w2b, t2));
    }

    /** One of the two factors, of the dimensions of the weight. */
    private static Node product(Pass pass, Parameter a, Parameter b, @Nullable Parameter kernel) {
        return kernel == null
                ? Products.multiply(pass, pass.node(a), pass.node(b))
                : Tucker.weight(pass, pass.node(kernel), pass.node(a), pass.node(b));
    }
}
