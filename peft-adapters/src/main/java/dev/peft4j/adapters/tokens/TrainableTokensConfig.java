package dev.peft4j.adapters.tokens;

import dev.peft4j.core.adapter.ConfigFields;
import dev.peft4j.core.adapter.EmbeddingSite;
import dev.peft4j.core.adapter.ModelSites;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.adapter.TargetModules;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Which tokens have a row of the embedding of their own; a head that is tied to it follows.
 *
 * @param tokens ids ({@code token_indices})
 * @param kept unknown fields of a file that was read, to be written again
 */
public record TrainableTokensConfig(List<Integer> tokens, Map<String, Object> kept) implements PeftConfig {
    static final String PEFT_TYPE = "TRAINABLE_TOKENS";

    /** Checks that there are some. */
    public TrainableTokensConfig {
        tokens = List.copyOf(tokens);
        kept = Map.copyOf(kept);
        if (tokens.isEmpty()) {
            throw new IllegalArgumentException(
                    "token_indices [] was given; without a token there is nothing to train. Name at least one.");
        }
    }

    /** These tokens. */
    public static TrainableTokensConfig of(Integer... tokens) {
        return new TrainableTokensConfig(List.of(tokens), Map.of());
    }

    static TrainableTokensConfig read(Map<String, Object> json) {
        ConfigFields f = new ConfigFields(json);
        f.any("target_modules");
        f.any("init_weights");
        return new TrainableTokensConfig(f.wholes("token_indices"), f.kept());
    }

    /** The input embedding. */
    static EmbeddingSite site(ModelSites model) {
        return model.embeddingSites().get(0);
    }

    @Override
    public String peftType() {
        return PEFT_TYPE;
    }

    @Override
    public long parameterCount(ModelSites model) {
        return (long) tokens.size() * site(model).width();
    }

    @Override
    public Map<String, Object> toJson(ModelSites model) {
        Map<String, Object> json = new TreeMap<>(kept);
        json.putIfAbsent("base_model_name_or_path", null);
        json.put("peft_type", PEFT_TYPE);
        json.put("task_type", model.taskModules().isEmpty() ? model.taskType().name() : null);
        json.put("inference_mode", true);
        json.put("init_weights", true);
        json.put("token_indices", tokens);
        String name = site(model).name();
        List<String> targets = new ArrayList<>(List.of(name.substring(name.lastIndexOf('.') + 1)));
        json.put("target_modules", TargetModules.of(targets).names());
        return json;
    }
}
