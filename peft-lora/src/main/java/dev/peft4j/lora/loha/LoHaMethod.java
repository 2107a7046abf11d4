package dev.peft4j.lora.loha;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.MethodOption;
import dev.peft4j.core.adapter.NamedMethod;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.adapter.PeftMethod;
import dev.peft4j.core.layer.ConvDelta;
import dev.peft4j.core.site.ModelSites;
import dev.peft4j.core.site.Site;
import dev.peft4j.lora.RankOptions;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;

/** LoHa for the service loader. */
public final class LoHaMethod implements PeftMethod {
    @Override
    public String peftType() {
        return LoHaConfig.PEFT_TYPE;
    }

    @Override
    public List<NamedMethod> named() {
        List<MethodOption> options = List.of(RankOptions.R, RankOptions.ALPHA, MethodOption.TARGET_MODULES);
        return List.of(new NamedMethod(
                "loha",
                1e-3,
                options,
                (values, model) -> LoHaConfig.of(
                        RankOptions.rank(values, model), values.number(RankOptions.ALPHA), values.attachment())));
    }

    @Override
    public PeftConfig read(Map<String, Object> json) {
        return LoHaConfig.read(json);
    }

    @Override
    public PeftConfig fit(PeftConfig config, ModelSites model, Map<String, List<Long>> shapes) {
        LoHaConfig c = PeftMethod.require(LoHaConfig.class, config);
        for (Site s : c.sites(model)) {
            PeftMethod.requireShape(
                    shapes,
                    s.name() + ".hada_w1_b",
                    c.rank(s),
                    LoHaShape.of(c, s).in());
        }
        return c;
    }

    @Override
    public Adapter create(PeftConfig config, ModelSites model, long seed) {
        LoHaConfig c = PeftMethod.require(LoHaConfig.class, config);
        RandomGenerator random = new SplittableRandom(seed);
        return PeftMethod.assemble(c, c.attachment(), model, adapter -> {
            for (Site site : c.sites(model)) {
                ConvDelta.add(adapter, site, new LoHaLayer(c, site, model.backend(), random));
            }
        });
    }
}
