package dev.peft4j.lora;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.LinearSite;
import dev.peft4j.core.adapter.ModelSites;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.adapter.PeftMethod;
import dev.peft4j.core.adapter.Site;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** LoRA for the service loader. */
public final class LoraMethod implements PeftMethod {
    private static final Logger LOG = LoggerFactory.getLogger(LoraMethod.class);

    @Override
    public String peftType() {
        return LoraConfig.PEFT_TYPE;
    }

    @Override
    public PeftConfig read(Map<String, Object> json) {
        return LoraJson.read(json);
    }

    @Override
    public PeftConfig fit(PeftConfig config, ModelSites model, Map<String, List<Long>> shapes) {
        LoraConfig lora = require(config);
        Map<String, Integer> ranks = new LinkedHashMap<>();
        for (Site site : lora.sites(model)) {
            String name = site.name() + (site instanceof LinearSite ? ".lora_A.weight" : ".lora_embedding_A");
            List<Long> shape = shapes.getOrDefault(name, List.of());
            if (shape.size() == 2 && shape.get(0) > 0 && shape.get(0) != lora.rank(site)) {
                LOG.warn(
                        "{}: the file has rank {}, the config {}; the file counts",
                        site.name(),
                        shape.get(0),
                        lora.rank(site));
                ranks.put(site.name(), Math.toIntExact(shape.get(0)));
            }
        }
        if (ranks.isEmpty()) {
            return lora;
        }
        lora.rankPattern().forEach(ranks::putIfAbsent); // the first match counts
        return lora.toBuilder().rankPattern(ranks).build();
    }

    @Override
    public Adapter create(PeftConfig config, ModelSites model, long seed) {
        return new LoraAdapter(require(config), model, seed);
    }

    private static LoraConfig require(PeftConfig config) {
        if (config instanceof LoraConfig lora) {
            return lora;
        }
        throw new IllegalArgumentException("a config of LoRA was expected, " + config + " was given");
    }
}
