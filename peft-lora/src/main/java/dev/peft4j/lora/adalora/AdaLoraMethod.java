package dev.peft4j.lora.adalora;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.LinearSite;
import dev.peft4j.core.adapter.ModelSites;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.adapter.PeftMethod;
import dev.peft4j.core.adapter.TargetParameters;
import java.util.List;
import java.util.Map;

/** AdaLora for the service loader. */
public final class AdaLoraMethod implements PeftMethod {
    @Override
    public String peftType() {
        return AdaLoraConfig.PEFT_TYPE;
    }

    @Override
    public PeftConfig read(Map<String, Object> json) {
        return AdaLoraJson.read(json);
    }

    /** The ranks are those of the config; a mask is that of a layer. */
    @Override
    public PeftConfig fit(PeftConfig config, ModelSites model, Map<String, List<Long>> shapes) {
        AdaLoraConfig c = PeftMethod.require(AdaLoraConfig.class, config);
        TargetParameters.check(c.otherFields(), model);
        List<LinearSite> sites = c.sites(model);
        c.kept().forEach((layer, mask) -> {
            boolean isLayer = sites.stream().anyMatch(s -> s.name().equals(layer));
            if (!isLayer || (!mask.isEmpty() && mask.size() != c.schedule().initR())) {
                throw new IllegalArgumentException("rank_pattern has " + mask.size() + " values for \"" + layer
                        + "\"; a value for each of the init_r = " + c.schedule().initR()
                        + " ranks of a layer that AdaLoRA acts at was expected. Correct the file.");
            }
        });
        for (LinearSite s : sites) {
            PeftMethod.requireShape(shapes, s.name() + ".lora_A", c.rank(s), s.in());
        }
        return c;
    }

    @Override
    public Adapter create(PeftConfig config, ModelSites model, long seed) {
        return new AdaLoraAdapter(PeftMethod.require(AdaLoraConfig.class, config), model, seed);
    }
}
