package dev.peft4j.lora;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.LinearSite;
import dev.peft4j.core.adapter.ModelSites;
import dev.peft4j.core.adapter.NamePattern;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.adapter.PeftMethod;
import dev.peft4j.core.adapter.TargetParameters;
import java.util.List;
import java.util.Map;

/** LoRA for the service loader. */
public final class LoraMethod implements PeftMethod {
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
        LoraConfig lora = PeftMethod.require(LoraConfig.class, config);
        TargetParameters.check(lora.otherFields(), model);
        Map<String, Integer> ranks = NamePattern.fromFile(
                lora.sites(model),
                s -> shapes.get(s.name() + (s instanceof LinearSite ? ".lora_A.weight" : ".lora_embedding_A")),
                lora.rankPattern(),
                lora.r());
        return lora.toBuilder().rankPattern(ranks).build();
    }

    @Override
    public Adapter create(PeftConfig config, ModelSites model, long seed) {
        return new LoraAdapter(PeftMethod.require(LoraConfig.class, config), model, seed);
    }
}
