package dev.peft4j.adapters.norms;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.MethodOption;
import dev.peft4j.core.adapter.NamedMethod;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.adapter.PeftMethod;
import dev.peft4j.core.site.ModelSites;
import java.util.List;
import java.util.Map;

/** NormTuning for the service loader. */
public final class NormTuningMethod implements PeftMethod {
    @Override
    public String peftType() {
        return NormTuningConfig.PEFT_TYPE;
    }

    @Override
    public List<NamedMethod> named() {
        List<MethodOption> options = List.of(MethodOption.TARGET_MODULES);
        return List.of(
                new NamedMethod("ln", 5e-3, options, (values, model) -> new NormTuningConfig(values.attachment())));
    }

    @Override
    public PeftConfig read(Map<String, Object> json) {
        return NormTuningConfig.read(json);
    }

    @Override
    public Adapter create(PeftConfig config, ModelSites model, long seed) {
        NormTuningConfig c = PeftMethod.require(NormTuningConfig.class, config);
        return PeftMethod.assemble(c, c.attachment(), model, adapter -> c.modules(model)
                .forEach(module -> adapter.trainLayer(module, "ln_tuning_layers")));
    }
}
