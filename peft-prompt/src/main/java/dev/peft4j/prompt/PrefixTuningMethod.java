package dev.peft4j.prompt;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.ModelSites;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.adapter.PeftMethod;
import dev.peft4j.core.tensor.TorchRandom;
import java.util.List;
import java.util.Map;

/** PrefixTuning for the service loader. */
public final class PrefixTuningMethod implements PeftMethod {
    @Override
    public String peftType() {
        return PrefixTuningConfig.PEFT_TYPE;
    }

    @Override
    public PeftConfig read(Map<String, Object> json) {
        return PrefixTuningConfig.read(json);
    }

    /** A file has the rows, whatever made them. */
    @Override
    public PeftConfig fit(PeftConfig config, ModelSites model, Map<String, List<Long>> shapes) {
        PrefixTuningConfig c = PeftMethod.require(PrefixTuningConfig.class, config);
        PeftMethod.requireShape(shapes, RowTable.NAME, c.settings().virtualTokens(), c.columns(model));
        return c.asFlat();
    }

    @Override
    public Adapter create(PeftConfig config, ModelSites model, long seed) {
        PrefixTuningConfig c = PeftMethod.require(PrefixTuningConfig.class, config);
        return new PromptAdapter(c, model, c.source(model, new TorchRandom(seed)), true);
    }
}
