package dev.peft4j.lora.lokr;

import dev.peft4j.core.adapter.DeltaUpdate;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.autograd.Products;
import dev.peft4j.core.site.LinearSite;
import dev.peft4j.core.tensor.Backend;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;

/**
 * Kronecker product of two small matrices: {@code ΔW = w1 ⊗ w2}, scaled by {@code alpha / r}; each may be a product of rank R.
 *
 * <p>Edalati et al. 2022 (KronA), <a href="https://arxiv.org/abs/2212.10650">paper</a>, section 4, as LyCORIS has it (Yeh et al. 2023, section 3.3).
 *
 * <p>Shapes: w1 (l, m), w2 (k, n) for O = l·k, I = m·n; decomposed w1a (l, R), w1b (R, m), w2a (k, R), w2b (R, n). ΔW is computed in each pass that records, and once for those that infer.
 */
final class LoKrLayer extends DeltaUpdate {
    private final List<Parameter> first;
    private final List<Parameter> second;

    LoKrLayer(LoKrConfig config, LinearSite site, Backend backend, RandomGenerator random) {
        super(config.scaling(site), config.rankDropout(), config.moduleDropout(), config.rankDropoutScale());
        LoKrShape s = LoKrShape.of(config, site);
        first = factor(site, "lokr_w1", s.firstWhole(), s.l(), s.r(), s.m(), backend, random);
        second = factor(site, "lokr_w2", s.secondWhole(), s.k(), s.r(), s.n(), backend, random);
        if (config.init() == LoKrConfig.Init.FIRST_ZERO) {
            first.get(0).value().fill(0); // w1, or w1a
        } else if (config.init() == LoKrConfig.Init.SECOND_ZERO) {
            second.get(second.size() - 1).value().fill(0); // w2, or w2b
        }
    }

    private static List<Parameter> factor(
            LinearSite site,
            String name,
            boolean whole,
            int rows,
            int r,
            int cols,
            Backend backend,
            RandomGenerator random) {
        return whole
                ? List.of(uniform(site, name, backend, rows, cols, random))
                : List.of(
                        uniform(site, name + "_a", backend, rows, r, random),
                        uniform(site, name + "_b", backend, r, cols, random));
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

    private static Node matrix(Pass pass, List<Parameter> factor) {
        Node a = pass.node(factor.get(0));
        return factor.size() == 1 ? a : Products.multiply(pass, a, pass.node(factor.get(1)));
    }
}
