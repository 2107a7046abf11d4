package dev.peft4j.adapters.ia3;

import dev.peft4j.core.adapter.LayeredAdapter;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.site.ConvSite;
import dev.peft4j.core.site.LinearSite;
import dev.peft4j.core.site.ModelSites;
import dev.peft4j.core.site.Site;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;

/** IA3 at the chosen layers. */
final class Ia3Adapter extends LayeredAdapter {
    private final Ia3Config config;

    Ia3Adapter(Ia3Config config, ModelSites model, long seed) {
        super(config, model);
        this.config = config;
        RandomGenerator random = new SplittableRandom(seed);
        build(() -> {
            for (Site site : config.sites(model)) {
                boolean input = config.scalesInput(model, site);
                if (site instanceof ConvSite c) {
                    add(c, new Ia3Convolution(config, c, input, model.backend(), random));
                } else if (site instanceof LinearSite linear) {
                    add(linear, new Ia3Layer(config, linear, input, model.backend(), random));
                }
            }
            trainModules(config.attachment().whole(model));
        });
    }

    @Override
    public Ia3Config config() {
        return config;
    }

    /** The factors of a layer. */
    Ia3Update layer(String name) {
        if (updates().get(name) instanceof Ia3Layer layer) {
            return layer;
        }
        if (convolutions().get(name) instanceof Ia3Convolution convolution) {
            return convolution;
        }
        throw new BadInputException("IA3 is not attached to " + name);
    }
}
