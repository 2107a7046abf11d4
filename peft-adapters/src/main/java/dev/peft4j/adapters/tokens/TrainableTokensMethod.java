package dev.peft4j.adapters.tokens;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.adapter.PeftMethod;
import dev.peft4j.core.site.ModelSites;
import java.util.Map;

/** TrainableTokens for the service loader. */
public final class TrainableTokensMethod implements PeftMethod {
    @Override
    public String peftType() {
        return TrainableTokensConfig.PEFT_TYPE;
    }

    @Override
    public PeftConfig read(Map<String, Object> json) {
        return TrainableTokensConfig.read(json);
    }

    @Override
    public Adapter create(PeftConfig config, ModelSites model, long seed) {
        TrainableTokensConfig c = PeftMethod.require(TrainableTokensConfig.class, config);
        return new TrainableTokensAdapter(c, model);
    }
}
