package dev.peft4j.lora.lokr;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.LayeredAdapter;
import dev.peft4j.core.adapter.LinearSite;
import dev.peft4j.core.adapter.ModelSites;
import dev.peft4j.core.adapter.NamePattern;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.adapter.PeftMethod;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;

/** LoKr for the service loader. */
public final class LoKrMethod implements PeftMethod {
    @Override
    public String peftType() {
        return LoKrConfig.PEFT_TYPE;
    }

    @Override
    public PeftConfig read(Map<String, Object> json) {
        return LoKrConfig.read(json);
    }

    /** The rank of a layer is that of a decomposed factor; where none is decomposed it only scales, and the config counts. */
    @Override
    public PeftConfig fit(PeftConfig config, ModelSites model, Map<String, List<Long>> shapes) {
        LoKrConfig c = PeftMethod.require(LoKrConfig.class, config);
        return c.withRankPattern(NamePattern.fromFile(
                c.sites(model),
                s -> shapes.getOrDefault(s.name() + ".lokr_w2_b", shapes.get(s.name() + ".lokr_w1_b")),
                c.rankPattern(),
                c.r()));
    }

    @Override
    public Adapter create(PeftConfig config, ModelSites model, long seed) {
        LoKrConfig c = PeftMethod.require(LoKrConfig.class, config);
        RandomGenerator random = new SplittableRandom(seed);
        LayeredAdapter adapter = new LayeredAdapter(c, model);
        adapter.build(() -> {
            for (LinearSite site : c.sites(model)) {
                adapter.add(site, new LoKrLayer(c, site, model.backend(), random));
            }
            adapter.trainModules(c.attachment().whole(model));
        });
        return adapter;
    }
}
