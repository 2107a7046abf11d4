package dev.peft4j.lora.oft;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.ModelSites;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.adapter.PeftMethod;
import java.util.Map;

/** Oft for the service loader. */
public final class OftMethod implements PeftMethod {
    @Override
    public String peftType() {
        return OftConfig.PEFT_TYPE;
    }

    @Override
    public PeftConfig read(Map<String, Object> json) {
        return OftConfig.read(json);
    }

    @Override
    public Adapter create(PeftConfig config, ModelSites model, long seed) {
        return new OftAdapter(PeftMethod.require(OftConfig.class, config), model, seed);
    }
}
