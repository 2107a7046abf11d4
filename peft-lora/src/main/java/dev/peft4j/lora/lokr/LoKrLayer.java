package dev.peft4j.lora.lokr;

import dev.peft4j.core.adapter.DeltaUpdate;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.autograd.Products;
import dev.peft4j.core.site.Site;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.lora.Tucker;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;

/**
 * Kronecker product of two small matrices: {@code ΔW = w1 ⊗ w2}, scaled by {@code alpha / r}; each may be a product of rank R.
 *
 * <p>Edalati et al. 2022 (KronA), <a href="https://arxiv.org/abs/2212.10650">paper</a>, section 4, as LyCORIS has it (Yeh et al. 2023, section 3.3).
 *
 * <p>Shapes: w1 (l, m), w2 (k, n) for O = l·k, I = m·n; decomposed w1a (l, R), w1b (R, m), w2a (k, R), w2b (R, n). At a convolution I is I / groups, w2 has the
 * kernel: (k, n · taps), and so does w2b; or, decomposed with a small kernel, w2a (R, k), w2b (R, n), t2 (R, R, height, width). ΔW is computed in each pass that
 * records, and once for those that infer.
 */
final class LoKrLayer extends DeltaUpdate {
    private final List<Parameter> first;
    private final List<Parameter> second;

    LoKrLayer(LoKrConfig config, Site site, Backend backend, RandomGenerator random) {
        super(config.scaling(site), config.rankDropout(), config.moduleDropout(), config.rankDropoutScale());
        LoKrShape s = LoKrShape.of(config, site);
        first = s.firstWhole()
                ? List.of(uniform(site, "lokr_w1", backend, s.l(), s.m(), random))
                : List.of(
                        uniform(site, "lokr_w1_a", backend, s.l(), s.r(), random),
                        uniform(site, "lokr_w1_b", backend, s.r(), s.m(), random));
        second = second(s, site, backend, random);
        if (config.init() == LoKrConfig.Init.FIRST_ZERO) {
            first.get(0).value().fill(0); // w1, or w1a
        } else if (config.init() == LoKrConfig.Init.SECOND_ZERO) {
            second.get(s.secondWhole() ? 0 : 1).value().fill(0); // w2, or w2b
        }
    }

    private static List<Parameter> second(LoKrShape s, Site site, Backend backend, RandomGenerator random) {
        if (s.secondWhole()) {
            return List.of(uniform(site, "lokr_w2", backend, s.k(), s.lastCols(), random, s.wholeShape()));
        }
        int rows = s.effective() ? s.r() : s.k();
        int cols = s.effective() ? s.k() : s.r();
        Parameter a = uniform(site, "lokr_w2_a", backend, rows, cols, random);
        Parameter b = uniform(site, "lokr_w2_b", backend, s.r(), s.lastCols(), random);
        if (!s.effective()) {
            return List.of(a, b);
        }
        int[] shape = {s.r(), s.r(), s.kernel().get(0), s.kernel().get(1)};
        return List.of(a, b, uniform(site, "lokr_t2", backend, s.r(), s.r() * s.taps(), random, shape));
    }

    @Override
    public List<Parameter> parameters() {
        List<Parameter> all = new ArrayList<>(first);
        all.addAll(second);
        return all;
    }

    @Override
    protected Node delta(Pass pass) {
        return Products.kronecker(pass, matrix(pass, first), matrix(pass, second));
    }

    /** One matrix out of itself, of two factors, or of two factors and a small kernel. */
    private static Node matrix(Pass pass, List<Parameter> factor) {
        Node a = pass.node(factor.get(0));
        return switch (factor.size()) {
            case 1 -> a;
            case 2 -> Products.multiply(pass, a, pass.node(factor.get(1)));
            default -> Tucker.weight(pass, pass.node(factor.get(2)), a, pass.node(factor.get(1)));
        };
    }
}
