package dev.peft4j.lora.oft;

import dev.peft4j.core.adapter.LayeredAdapter;
import dev.peft4j.core.site.EmbeddingSite;
import dev.peft4j.core.site.LinearSite;
import dev.peft4j.core.site.ModelSites;
import dev.peft4j.core.site.Site;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;

/** OFT at the chosen layers. */
final class OftAdapter extends LayeredAdapter {
    OftAdapter(OftConfig config, ModelSites model, long seed) {
        super(config, model);
        RandomGenerator random = new SplittableRandom(seed);
        build(() -> {
            for (Site site : config.sites(model)) {
                if (config.blockSize(site) == 1) {
                    continue; // which cannot rotate
                }
                if (site instanceof LinearSite linear) {
                    add(linear, new OftLayer(rotation(config, site, OftLayer.NAME, random)));
                } else if (site instanceof EmbeddingSite table) {
                    add(table, new OftEmbedding(rotation(config, site, OftEmbedding.NAME, random)));
                }
            }
            trainModules(config.attachment().whole(model));
        });
    }

    @Override
    protected Optional<String> dropoutName() {
        return Optional.of(".oft_dropout");
    }

    private BlockRotation rotation(OftConfig config, Site site, String name, RandomGenerator random) {
        return new BlockRotation(config, site, name, backend(), random);
    }
}
