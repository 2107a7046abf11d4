package dev.peft4j.adapters.bitfit;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.MethodOption;
import dev.peft4j.core.adapter.NamedMethod;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.adapter.PeftMethod;
import dev.peft4j.core.site.ModelSites;
import java.util.List;
import java.util.Map;

/** BitFit for the service loader. */
public final class BitFitMethod implements PeftMethod {
    @Override
    public String peftType() {
        return BitFitConfig.PEFT_TYPE;
    }

    @Override
    public List<NamedMethod> named() {
        List<MethodOption> options = List.of(MethodOption.TARGET_MODULES);
        return List.of(
                new NamedMethod("bitfit", 2e-3, options, (values, model) -> new BitFitConfig(values.attachment())));
    }

    @Override
    public PeftConfig read(Map<String, Object> json) {
        return BitFitConfig.read(json);
    }

    @Override
    public Adapter create(PeftConfig config, ModelSites model, long seed) {
        BitFitConfig c = PeftMethod.require(BitFitConfig.class, config);
        return PeftMethod.assemble(
                c, c.attachment(), model, adapter -> c.biases(model).forEach(name -> adapter.train(name, name)));
    }
}
