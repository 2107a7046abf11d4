package dev.peft4j.lora.oft;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.MethodOption;
import dev.peft4j.core.adapter.NamedMethod;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.adapter.PeftMethod;
import dev.peft4j.core.site.ModelSites;
import java.util.List;
import java.util.Map;

/** Oft for the service loader. */
public final class OftMethod implements PeftMethod {
    private static final MethodOption BLOCK = MethodOption.whole("--r", "R", 8, "size of a block");

    @Override
    public String peftType() {
        return OftConfig.PEFT_TYPE;
    }

    @Override
    public List<NamedMethod> named() {
        List<MethodOption> options = List.of(BLOCK, MethodOption.TARGET_MODULES);
        return List.of(new NamedMethod(
                "oft", 2e-3, options, (values, model) -> OftConfig.of(values.whole(BLOCK), values.attachment())));
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
