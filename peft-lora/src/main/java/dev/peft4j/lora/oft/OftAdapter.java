package dev.peft4j.lora.oft;

import dev.peft4j.core.adapter.LayeredAdapter;
import dev.peft4j.core.adapter.LinearSite;
import dev.peft4j.core.adapter.ModelSites;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;

/** OFT at the chosen layers. */
final class OftAdapter extends LayeredAdapter {
    OftAdapter(OftConfig config, ModelSites model, long seed) {
        super(config, model);
        RandomGenerator random = new SplittableRandom(seed);
        build(() -> {
            for (LinearSite site : config.sites(model)) {
                add(site, new OftLayer(config, site, model.backend(), random));
            }
            trainModules(config.attachment().whole(model));
        });
    }
}
