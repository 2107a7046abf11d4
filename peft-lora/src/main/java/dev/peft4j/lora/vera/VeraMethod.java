package dev.peft4j.lora.vera;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.MethodOption;
import dev.peft4j.core.adapter.NamedMethod;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.adapter.PeftMethod;
import dev.peft4j.core.site.LinearSite;
import dev.peft4j.core.site.ModelSites;
import dev.peft4j.lora.RankOptions;
import java.util.List;
import java.util.Map;

/** Vera for the service loader. */
public final class VeraMethod implements PeftMethod {
    @Override
    public String peftType() {
        return VeraConfig.PEFT_TYPE;
    }

    @Override
    public List<NamedMethod> named() {
        List<MethodOption> options = List.of(RankOptions.R, RankOptions.DROPOUT, MethodOption.TARGET_MODULES);
        return List.of(new NamedMethod(
                "vera",
                2e-2,
                options,
                (values, model) -> new VeraConfig(
                        values.whole(RankOptions.R),
                        0,
                        true,
                        0.1,
                        values.number(RankOptions.DROPOUT),
                        true,
                        values.attachment())));
    }

    @Override
    public PeftConfig read(Map<String, Object> json) {
        return VeraConfig.read(json);
    }

    @Override
    public PeftConfig fit(PeftConfig config, ModelSites model, Map<String, List<Long>> shapes) {
        VeraConfig c = PeftMethod.require(VeraConfig.class, config);
        for (LinearSite s : c.sites(model)) {
            PeftMethod.requireShape(shapes, s.name() + ".vera_lambda_d", c.r());
        }
        return c;
    }

    @Override
    public Adapter create(PeftConfig config, ModelSites model, long seed) {
        return new VeraAdapter(PeftMethod.require(VeraConfig.class, config), model, seed);
    }
}
