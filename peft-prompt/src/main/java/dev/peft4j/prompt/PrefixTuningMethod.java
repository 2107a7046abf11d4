package dev.peft4j.prompt;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.MethodOption;
import dev.peft4j.core.adapter.MethodValues;
import dev.peft4j.core.adapter.NamedMethod;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.adapter.PeftMethod;
import dev.peft4j.core.site.ModelSites;
import dev.peft4j.core.site.TransformerSites;
import dev.peft4j.core.tensor.TorchRandom;
import java.util.List;
import java.util.Map;

/** PrefixTuning for the service loader. */
public final class PrefixTuningMethod implements PeftMethod {
    private static final String NAME = "prefix";
    private static final String ZERO = "zero";
    private static final MethodOption INIT = PromptOptions.init(ZERO);
    private static final MethodOption PROJECTION =
            MethodOption.whole("--projection", "N", 0, "inner size of a network that makes the rows; 0 for none");

    @Override
    public String peftType() {
        return PrefixTuningConfig.PEFT_TYPE;
    }

    @Override
    public List<NamedMethod> named() {
        List<MethodOption> options = List.of(PromptOptions.VIRTUAL_TOKENS, INIT, PROJECTION);
        return List.of(new NamedMethod(NAME, 1e-2, options, (values, model) -> config(values)));
    }

    private static PrefixTuningConfig config(MethodValues values) {
        PrefixTuningConfig prefix = PrefixTuningConfig.of(values.whole(PromptOptions.VIRTUAL_TOKENS));
        String text = PromptOptions.text(values, INIT);
        if (text != null) {
            prefix = prefix.withText(values.tokens(text));
        } else if (PromptOptions.isWord(values, INIT, ZERO, NAME)) {
            prefix = prefix.withZeros();
        }
        int projection = values.whole(PROJECTION);
        return projection == 0 ? prefix : prefix.withProjection(projection);
    }

    @Override
    public PeftConfig read(Map<String, Object> json) {
        return PrefixTuningConfig.read(json);
    }

    /** A file has the rows, whatever made them. */
    @Override
    public PeftConfig fit(PeftConfig config, ModelSites base, Map<String, List<Long>> shapes) {
        TransformerSites model = TransformerSites.require(base, peftType());
        PrefixTuningConfig c = PeftMethod.require(PrefixTuningConfig.class, config);
        PeftMethod.requireShape(shapes, RowTable.NAME, c.settings().virtualTokens(), c.columns(model));
        return c.asFlat();
    }

    @Override
    public Adapter create(PeftConfig config, ModelSites base, long seed) {
        TransformerSites model = TransformerSites.require(base, peftType());
        PrefixTuningConfig c = PeftMethod.require(PrefixTuningConfig.class, config);
        c.requireKeysInFront(model);
        return new PromptAdapter(c, model, c.source(model, new TorchRandom(seed)), true);
    }
}
