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

/** PromptTuning for the service loader. */
public final class PromptTuningMethod implements PeftMethod {
    private static final String NAME = "prompt";
    private static final String VOCABULARY = "vocabulary";
    private static final MethodOption INIT = PromptOptions.init(VOCABULARY);

    @Override
    public String peftType() {
        return PromptTuningConfig.PEFT_TYPE;
    }

    @Override
    public List<NamedMethod> named() {
        List<MethodOption> options = List.of(PromptOptions.VIRTUAL_TOKENS, INIT);
        return List.of(new NamedMethod(NAME, 3e-2, options, (values, model) -> config(values)));
    }

    private static PromptTuningConfig config(MethodValues values) {
        PromptTuningConfig prompt = PromptTuningConfig.of(values.whole(PromptOptions.VIRTUAL_TOKENS));
        String text = PromptOptions.text(values, INIT);
        if (text != null) {
            return prompt.withText(text, values.tokens(text));
        }
        return PromptOptions.isWord(values, INIT, VOCABULARY, NAME) ? prompt.withVocabulary() : prompt;
    }

    @Override
    public PeftConfig read(Map<String, Object> json) {
        return PromptTuningConfig.read(json);
    }

    /** A file has the rows, whatever made them. */
    @Override
    public PeftConfig fit(PeftConfig config, ModelSites base, Map<String, List<Long>> shapes) {
        TransformerSites model = TransformerSites.require(base, peftType());
        PromptTuningConfig c = PeftMethod.require(PromptTuningConfig.class, config);
        PeftMethod.requireShape(shapes, RowTable.NAME, c.settings().virtualTokens(), model.width());
        return c.asFlat();
    }

    @Override
    public Adapter create(PeftConfig config, ModelSites base, long seed) {
        TransformerSites model = TransformerSites.require(base, peftType());
        PromptTuningConfig c = PeftMethod.require(PromptTuningConfig.class, config);
        return new PromptAdapter(c, model, new RowTable(c.rows(model, new TorchRandom(seed))), false);
    }
}
