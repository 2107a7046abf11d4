package dev.peft4j.lora;

import dev.peft4j.core.adapter.Attachment;
import dev.peft4j.core.adapter.ConfigFields;
import dev.peft4j.core.adapter.NamePattern;
import dev.peft4j.core.adapter.TargetParameters;
import dev.peft4j.core.adapter.TokenTables;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.site.ModelSites;
import dev.peft4j.core.site.Site;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** LoRA's fields of {@code adapter_config.json}. */
final class LoraJson {
    private LoraJson() {}

    static LoraConfig read(Map<String, Object> json) {
        ConfigFields fields = new ConfigFields(json);
        fields.ignore(
                "fan_in_fan_out", // follows from the model
                "megatron_core",
                "use_qalora", // of quantised layers only
                "qalora_group_size",
                "loftq_config");
        fields.keep("eva_config", "corda_config", "lora_ga_config"); // of the first values
        fields.refuseTrue("megatron_config", "layer_replication", "alora_invocation_tokens");
        fields.refuseGiven("velora_config", "arrow_config", "use_bdlora", "kasa_config");
        refuseMonteclora(fields);
        TargetParameters.read(fields);
        LoraInit init = LoraInit.read(fields.any("init_lora_weights"), fields.has("init_lora_weights"));
        boolean loraBias = fields.truth("lora_bias", false);
        if (loraBias && init.kind() != LoraInit.Kind.DEFAULT && init.kind() != LoraInit.Kind.RANDOM) {
            throw new BadInputException("lora_bias was given with init_lora_weights " + init.toJson()
                    + "; PEFT has it with true or false only. Correct one of them.");
        }
        if (fields.truth("use_dora", false) && init.equals(LoraInit.of(LoraInit.Kind.MICA))) {
            throw new BadInputException(
                    "use_dora was given with init_lora_weights mica, which PEFT does not have together. Choose one.");
        }
        LoraConfigBuilder builder = LoraConfig.of(8, 8).toBuilder()
                .r(fields.whole("r", 8))
                .alpha(fields.number("lora_alpha", 8))
                .dropout(fields.trainingProbability("lora_dropout", 0))
                .rsLora(fields.truth("use_rslora", false))
                .dora(fields.truth("use_dora", false))
                .bias(bias(fields.text("bias", "none")))
                .loraBias(loraBias)
                .rankPattern(fields.ranks())
                .alphaPattern(fields.alphas())
                .init(init)
                .trainableTokens(TokenTables.read(fields))
                .ensureWeightTying(fields.truth("ensure_weight_tying", false));
        Set<Attachment.Choice> choices = EnumSet.of(Attachment.Choice.EXCLUDED, Attachment.Choice.BLOCKS_OF_LISTS);
        return builder.attachment(Attachment.read(fields, choices)).build();
    }

    private static void refuseMonteclora(ConfigFields fields) {
        if (fields.any("monteclora_config") instanceof Map<?, ?>) {
            fields.refuseGiven("monteclora_config");
        }
        fields.refuseTrue("monteclora_config");
    }

    /** PEFT takes any name for the layers that LoRA is attached to that ends in {@code _only}. */
    private static LoraConfig.Bias bias(String name) {
        if (name.endsWith("_only")) {
            return LoraConfig.Bias.LORA_ONLY;
        }
        return switch (name) {
            case "none" -> LoraConfig.Bias.NONE;
            case "all" -> LoraConfig.Bias.ALL;
            default ->
                throw new BadInputException(
                        "bias is \"" + name + "\"; there are none, all and lora_only. Correct the file.");
        };
    }

    /** Newer fields are left out while they have their default: older readers stop at names that they do not know. */
    static Map<String, Object> write(LoraConfig c, ModelSites model) {
        List<Site> sites = c.sites(model);
        Map<String, Object> json = c.attachmentFor(model).toJson(LoraConfig.PEFT_TYPE, model, sites);
        json.put("init_lora_weights", c.init().toJson());
        json.put("fan_in_fan_out", model.traits().fanInFanOut());
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
            json.put("trainable_token_indices", TokenTables.toJson(c.trainableTokens(), model));
        }
        if (c.ensureWeightTying()) {
            json.put("ensure_weight_tying", true);
        }
        return json;
    }

    private static Number whole(double value) {
        return value == (int) value ? (Number) (int) value : (Number) value;
    }
}
