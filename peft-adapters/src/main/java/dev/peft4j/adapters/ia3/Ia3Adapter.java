package dev.peft4j.adapters.ia3;

import dev.peft4j.core.adapter.LayeredAdapter;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.site.LinearSite;
import dev.peft4j.core.site.ModelSites;
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
            for (LinearSite site : config.sites(model)) {
                add(site, new Ia3Layer(config, site, config.scalesInput(model, site), model.backend(), random));
            }
            trainModules(config.attachment().whole(model));
        });
    }

    @Override
    public Ia3Config config() {
        return config;
    }

    /** The factors of a layer. */
    Ia3Layer layer(String name) {
        if (updates().get(name) instanceof Ia3Layer layer) {
            return layer;
        }
        throw new BadInputException("IA3 is not attached to " + name);
    }
}
