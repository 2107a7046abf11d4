package dev.peft4j.adapters.ia3;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.site.ModelSites;
import dev.peft4j.core.site.Site;
import dev.peft4j.core.tensor.Tensor;
import java.util.List;

/** One IA3 adapter out of several: {@code l = Σ wᵢ lᵢ}, as PEFT's add_weighted_adapter. */
public final class Ia3Sum {
    private Ia3Sum() {}

    /**
     * Sums adapters; the caller closes the result.
     *
     * @param weights one for each adapter
     * @throws BadInputException if one is no IA3 adapter, they act at other layers, or one trains modules whole
     */
    public static Adapter of(ModelSites model, List<? extends Adapter> adapters, double[] weights) {
        if (adapters.isEmpty() || adapters.size() != weights.length) {
            throw new BadInputException(adapters.size() + " adapters and " + weights.length
                    + " weights were given; give at least one adapter, and a weight for each.");
        }
        if (!(adapters.get(0) instanceof Ia3Adapter first)) {
            throw notIa3(adapters.get(0));
        }
        List<Site> sites = first.config().sites(model);
        if (!first.config().attachment().wholeModules(model).isEmpty()) {
            throw new BadInputException("the adapters train the modules "
                    + first.config().attachment().wholeModules(model)
                    + " whole, which cannot be added up. Use adapters without modules_to_save.");
        }
        Ia3Adapter sum = new Ia3Adapter(first.config(), model, 0);
        for (Site site : sites) {
            sum.layer(site.name()).factors().fill(0);
        }
        for (int i = 0; i < weights.length; i++) {
            if (!(adapters.get(i) instanceof Ia3Adapter ia3)
                    || !ia3.config().sites(model).equals(sites)) {
                sum.close();
                throw notIa3(adapters.get(i));
            }
            for (Site site : sites) {
                Tensor target = sum.layer(site.name()).factors();
                model.backend()
                        .kernels()
                        .addScaled(weights[i], ia3.layer(site.name()).factors(), target);
            }
        }
        return sum;
    }

    private static IllegalArgumentException notIa3(Adapter adapter) {
        return new BadInputException("IA3 adapters of the same layers were expected, one of the method "
                + adapter.config().peftType() + " was given that is not. Use adapters of one config.");
    }
}
