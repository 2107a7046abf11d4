package dev.peft4j.prompt;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.MethodOption;
import dev.peft4j.core.adapter.NamedMethod;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.adapter.PeftMethod;
import dev.peft4j.core.site.ModelSites;
import dev.peft4j.core.site.TransformerSites;
import dev.peft4j.core.tensor.TorchRandom;
import java.util.List;
import java.util.Map;

/** PTuning for the service loader. */
public final class PTuningMethod implements PeftMethod {
    private static final MethodOption PROJECTION = MethodOption.whole(
            "--projection", "N", 0, "inner size of the network that makes the rows; 0 for that of the model");

    @Override
    public String peftType() {
        return PTuningConfig.PEFT_TYPE;
    }

    @Override
    public List<NamedMethod> named() {
        List<MethodOption> options = List.of(PromptOptions.VIRTUAL_TOKENS, PROJECTION);
        return List.of(new NamedMethod("ptuning", 5e-3, options, (values, model) -> PTuningConfig.of(
                        values.whole(PromptOptions.VIRTUAL_TOKENS), PTuningConfig.Encoder.MLP)
                .withHidden(values.whole(PROJECTION))));
    }

    @Override
    public PeftConfig read(Map<String, Object> json) {
        return PTuningConfig.read(json);
    }

    /** A file has the rows, whatever made them. */
    @Override
    public PeftConfig fit(PeftConfig config, ModelSites base, Map<String, List<Long>> shapes) {
        TransformerSites model = TransformerSites.require(base, peftType());
        PTuningConfig c = PeftMethod.require(PTuningConfig.class, config);
        PeftMethod.requireShape(shapes, RowTable.NAME, c.settings().virtualTokens(), model.width());
        return c.asFlat();
    }

    @Override
    public Adapter create(PeftConfig config, ModelSites base, long seed) {
        TransformerSites model = TransformerSites.require(base, peftType());
        PTuningConfig c = PeftMethod.require(PTuningConfig.class, config);
        return new PromptAdapter(c, model, c.source(model, new TorchRandom(seed)), false);
    }
}
