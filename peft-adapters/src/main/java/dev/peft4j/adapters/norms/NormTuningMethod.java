package dev.peft4j.adapters.norms;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.LayeredAdapter;
import dev.peft4j.core.adapter.ModelSites;
import dev.peft4j.core.adapter.NormSite;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.adapter.PeftMethod;
import java.util.List;
import java.util.Map;

/** NormTuning for the service loader. */
public final class NormTuningMethod implements PeftMethod {
    @Override
    public String peftType() {
        return NormTuningConfig.PEFT_TYPE;
    }

    @Override
    public PeftConfig read(Map<String, Object> json) {
        return NormTuningConfig.read(json);
    }

    @Override
    public Adapter create(PeftConfig config, ModelSites model, long seed) {
        NormTuningConfig c = PeftMethod.require(NormTuningConfig.class, config);
        LayeredAdapter adapter = new LayeredAdapter(c, model);
        adapter.build(() -> {
            for (NormSite site : c.sites(model)) {
                for (String part : List.of(".weight", ".bias")) {
                    if (model.tensorNames().contains(site.name() + part)) {
                        adapter.train(site.name() + part, site.name() + ".ln_tuning_layers" + part);
                    }
                }
            }
            adapter.trainModules(c.attachment().whole(model));
        });
        return adapter;
    }
}
