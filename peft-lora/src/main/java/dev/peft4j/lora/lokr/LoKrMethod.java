package dev.peft4j.lora.lokr;

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

/** LoKr for the service loader. */
public final class LoKrMethod implements PeftMethod {
    @Override
    public String peftType() {
        return LoKrConfig.PEFT_TYPE;
    }

    @Override
    public List<NamedMethod> named() {
        List<MethodOption> options = List.of(RankOptions.R, RankOptions.ALPHA, MethodOption.TARGET_MODULES);
        return List.of(new NamedMethod(
                "lokr",
                1e-3,
                options,
                (values, model) -> LoKrConfig.of(
                        values.whole(RankOptions.R), values.number(RankOptions.ALPHA), values.attachment())));
    }

    @Override
    public PeftConfig read(Map<String, Object> json) {
        return LoKrConfig.read(json);
    }

    @Override
    public PeftConfig fit(PeftConfig config, ModelSites model, Map<String, List<Long>> shapes) {
        LoKrConfig c = PeftMethod.require(LoKrConfig.class, config);
        for (Site s : c.sites(model)) {
            LoKrShape shape = LoKrShape.of(c, s);
            if (shape.secondWhole()) {
                PeftMethod.requireShape(shapes, s.name() + ".lokr_w2", shape.wholeShape());
            } else {
                PeftMethod.requireShape(shapes, s.name() + ".lokr_w2_b", shape.r(), shape.lastCols());
            }
        }
        return c;
    }

    @Override
    public Adapter create(PeftConfig config, ModelSites model, long seed) {
        LoKrConfig c = PeftMethod.require(LoKrConfig.class, config);
        RandomGenerator random = new SplittableRandom(seed);
        return PeftMethod.assemble(c, c.attachment(), model, adapter -> {
            for (Site site : c.sites(model)) {
                ConvDelta.add(adapter, site, new LoKrLayer(c, site, model.backend(), random));
            }
        });
    }
}
