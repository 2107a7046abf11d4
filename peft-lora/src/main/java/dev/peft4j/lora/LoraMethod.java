package dev.peft4j.lora;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.ModelSites;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.adapter.PeftMethod;
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
    public Adapter create(PeftConfig config, ModelSites model, long seed) {
        if (!(config instanceof LoraConfig lora)) {
            throw new IllegalArgumentException("a config of LoRA was expected, " + config + " was given");
        }
        return new LoraAdapter(lora, model, seed);
    }
}
