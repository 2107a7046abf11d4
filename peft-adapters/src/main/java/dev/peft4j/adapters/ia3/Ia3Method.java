package dev.peft4j.adapters.ia3;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.MethodOption;
import dev.peft4j.core.adapter.NamedMethod;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.adapter.PeftMethod;
import dev.peft4j.core.site.ModelSites;
import java.util.List;
import java.util.Map;

/** Ia3 for the service loader. */
public final class Ia3Method implements PeftMethod {
    @Override
    public String peftType() {
        return Ia3Config.PEFT_TYPE;
    }

    @Override
    public List<NamedMethod> named() {
        List<MethodOption> options = List.of(MethodOption.TARGET_MODULES);
        return List.of(new NamedMethod(
                "ia3", 1e-2, options, (values, model) -> new Ia3Config(null, true, values.attachment())));
    }

    @Override
    public PeftConfig read(Map<String, Object> json) {
        return Ia3Config.read(json);
    }

    @Override
    public Adapter create(PeftConfig config, ModelSites model, long seed) {
        Ia3Config c = PeftMethod.require(Ia3Config.class, config);
        return new Ia3Adapter(c, model, seed);
    }
}
