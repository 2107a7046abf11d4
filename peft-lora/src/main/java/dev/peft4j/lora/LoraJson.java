package dev.peft4j.lora;

import dev.peft4j.core.adapter.Attachment;
import dev.peft4j.core.adapter.ConfigFields;
import dev.peft4j.core.adapter.ModelSites;
import dev.peft4j.core.adapter.NamePattern;
import dev.peft4j.core.adapter.Site;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** LoRA's fields of {@code adapter_config.json}. */
final class LoraJson {
    private LoraJson() {}

    static LoraConfig read(Map<String, Object> json) {
        ConfigFields fields = new ConfigFields(json);
        LoraConfig.Builder builder = LoraConfig.of(8, 8).toBuilder()
                .r(fields.whole("r", 8))
                .alpha(fields.number("lora_alpha", 8))
                .dropout(fields.number("lora_dropout", 0))
                .rsLora(fields.flag("use_rslora", false))
                .dora(fields.flag("use_dora", false))
                .bias(bias(fields.text("bias", "none")))
                .loraBias(fields.flag("lora_bias", false))
                .rankPattern(fields.ranks())
                .alphaPattern(fields.alphas())
                .init(LoraInit.read(fields.any("init_lora_weights")))
                .trainableTokens(tokens(fields))
                .ensureWeightTying(fields.flag("ensure_weight_tying", false));
        return builder.attachment(Attachment.read(fields)).build();
    }

    private static LoraConfig.Bias bias(String name) {
        return switch (name) {
            case "none" -> LoraConfig.Bias.NONE;
            case "all" -> LoraConfig.Bias.ALL;
            case "lora_only" -> LoraConfig.Bias.LORA_ONLY;
            default ->
                throw new IllegalArgumentException(
                        "bias is \"" + name + "\"; there are none, all and lora_only. Correct the file.");
        };
    }

    /** A list is of the input embedding. */
    private static Map<String, List<Integer>> tokens(ConfigFields fields) {
        Object value = fields.any("trainable_token_indices");
        if (value == null) {
            return Map.of();
        }
        if (!(value instanceof Map<?, ?>)) {
            return Map.of("", fields.wholes("trainable_token_indices"));
        }
        ConfigFields tables = new ConfigFields(fields.object("trainable_token_indices"));
        Map<String, List<Integer>> all = new LinkedHashMap<>();
        fields.object("trainable_token_indices").keySet().forEach(table -> all.put(table, tables.wholes(table)));
        return all;
    }

    /** Newer fields are left out while they have their default: older readers stop at names that they do not know. */
    static Map<String, Object> write(LoraConfig c, ModelSites model) {
        List<Site> sites = c.sites(model);
        Map<String, Object> json = c.attachmentFor(model).toJson(LoraConfig.PEFT_TYPE, model, sites);
        json.put("init_lora_weights", c.init().toJson());
        json.put("fan_in_fan_out", model.fanInFanOut());
        json.put("r", c.r());
        json.put("lora_alpha", whole(c.alpha()));
        json.put("lora_dropout", c.dropout());
        json.put("bias", c.bias().name().toLowerCase(Locale.ROOT));
        Map<String, Object> ranks = NamePattern.byName(sites, c.rankPattern(), c.r());
        Map<String, Object> alphas = NamePattern.byName(sites, c.alphaPattern(), c.alpha());
        if (!ranks.isEmpty()) {
            json.put("rank_pattern", ranks);
        }
        if (!alphas.isEmpty()) {
            json.put("alpha_pattern", alphas);
        }
        if (c.rsLora()) {
            json.put("use_rslora", true);
        }
        if (c.dora()) {
            json.put("use_dora", true);
        }
        if (c.loraBias()) {
            json.put("lora_bias", true);
        }
        if (!c.trainableTokens().isEmpty()) {
            List<Integer> ofInput = c.trainableTokens().get("");
            boolean one = ofInput != null && c.trainableTokens().size() == 1;
            json.put("trainable_token_indices", one ? ofInput : byName(c, model));
        }
        if (c.ensureWeightTying()) {
            json.put("ensure_weight_tying", true);
        }
        return json;
    }

    private static Map<String, List<Integer>> byName(LoraConfig c, ModelSites model) {
        Map<String, List<Integer>> all = new LinkedHashMap<>();
        String input = model.embeddingSites().get(0).name();
        c.trainableTokens().forEach((name, tokens) -> all.put(name.isEmpty() ? input : name, tokens));
        return all;
    }

    private static Number whole(double value) {
        return value == (int) value ? (Number) (int) value : (Number) value;
    }
}
