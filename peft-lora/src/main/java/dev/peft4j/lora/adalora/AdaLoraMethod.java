package dev.peft4j.lora.adalora;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.ModelSites;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.adapter.PeftMethod;
import java.util.Map;

/** AdaLora for the service loader. */
public final class AdaLoraMethod implements PeftMethod {
    @Override
    public String peftType() {
        return AdaLoraConfig.PEFT_TYPE;
    }

    @Override
    public PeftConfig read(Map<String, Object> json) {
        return AdaLoraConfig.read(json);
    }

    @Override
    public Adapter create(PeftConfig config, ModelSites model, long seed) {
        return new AdaLoraAdapter(PeftMethod.require(AdaLoraConfig.class, config), model, seed);
    }
}
