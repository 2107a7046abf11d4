package dev.peft4j.lora.adalora;

import dev.peft4j.core.adapter.Attachment;
import dev.peft4j.core.adapter.ConfigFields;
import dev.peft4j.core.adapter.NamePattern;
import dev.peft4j.core.adapter.TargetParameters;
import dev.peft4j.core.adapter.TokenTables;
import dev.peft4j.core.site.ModelSites;
import java.util.Collection;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** AdaLoRA's fields of {@code adapter_config.json}. It has all those of LoRA too, and makes no use of most of them. */
final class AdaLoraJson {
    private static final String ALORA = "alora_invocation_tokens";

    private AdaLoraJson() {}

    static AdaLoraConfig read(Map<String, Object> json) {
        ConfigFields f = new ConfigFields(json);
        f.ignore("r", "fan_in_fan_out", "megatron_core", "megatron_config", "use_rslora", "use_qalora");
        f.ignore("qalora_group_size", "monteclora_config", "loftq_config");
        f.keep("eva_config", "corda_config", "lora_ga_config"); // of the first values
        f.requireObjects("velora_config", "arrow_config", "use_bdlora", "kasa_config");
        f.refuseTrue("use_dora", "layer_replication");
        if (!(f.any(ALORA) instanceof List<?> tokens && tokens.stream().allMatch(Integer.class::isInstance))) {
            f.refuseTrue(ALORA);
        }
        TargetParameters.read(f);
        checkInit(f);
        NamePattern.checkKeys("alpha_pattern", f.any("alpha_pattern")); // whose values count for nothing
        if (!"none".equals(f.any("bias"))) {
            f.noteUnusable("bias");
        }
        RankSchedule schedule = schedule(f);
        Map<String, List<Boolean>> kept = new LinkedHashMap<>();
        if (f.any("rank_pattern") != null) {
            f.object("rank_pattern").forEach((name, mask) -> kept.put(layerOf(name), mask(name, mask)));
        }
        return new AdaLoraConfig(
                schedule,
                f.number("lora_alpha", 8),
                f.trainingProbability("lora_dropout", 0),
                f.trainingNumber("orth_reg_weight", 0.5, w -> w >= 0 && Double.isFinite(w)),
                kept,
                TokenTables.read(f),
                f.truth("ensure_weight_tying", false),
                Attachment.read(f, EnumSet.of(Attachment.Choice.EXCLUDED, Attachment.Choice.BLOCKS_OF_LISTS)));
    }

    /** How A and B start does not matter to a file, but PEFT refuses some pairs of values. */
    private static void checkInit(ConfigFields f) {
        Object init = f.has("init_lora_weights") ? f.any("init_lora_weights") : true;
        boolean isFlag =
                init instanceof Boolean || Set.<Object>of(0, 1, 0.0, 1.0).contains(init == null ? "" : init);
        if ("loftq".equals(init) || (f.truth("lora_bias", false) && !isFlag)) {
            throw ConfigFields.wrong("init_lora_weights", init, "true or false");
        }
    }

    /** Values that do not go together are those of no training run. */
    private static RankSchedule schedule(ConfigFields f) {
        int initR = f.whole("init_r", 12);
        if (initR < 0) {
            throw ConfigFields.wrong("init_r", initR, "a rank from 1");
        }
        int targetR = f.trainingWhole("target_r", Math.max(1, Math.min(8, initR)), r -> r >= 1 && r <= initR);
        int first = f.trainingWhole("tinit", 0, t -> t >= 0);
        int last = f.trainingWhole("tfinal", 0, t -> t >= 0);
        int steps = f.any("total_step") == null ? 0 : f.trainingWhole("total_step", 0, t -> t > 0);
        int between = f.trainingWhole("deltaT", 1, t -> t >= 1);
        double beta1 = f.trainingNumber("beta1", 0.85, b -> b > 0 && b < 1);
        double beta2 = f.trainingNumber("beta2", 0.85, b -> b > 0 && b < 1);
        if (steps > 0 && first >= (long) steps - last) {
            List.of("tinit", "tfinal", "total_step").forEach(f::noteUnusable);
            return new RankSchedule(initR, targetR, 0, 0, between, beta1, beta2, 0);
        }
        return new RankSchedule(initR, targetR, first, last, between, beta1, beta2, steps);
    }

    /** A key is the name of a tensor of a layer, and once had the name of the adapter behind it. */
    private static String layerOf(String key) {
        String layer = withoutLast(key);
        return key.contains("default") ? withoutLast(layer) : layer;
    }

    private static String withoutLast(String name) {
        return name.substring(0, Math.max(0, name.lastIndexOf('.')));
    }

    private static List<Boolean> mask(String name, @Nullable Object mask) {
        if (mask instanceof Collection<?> c && c.stream().allMatch(Boolean.class::isInstance)) {
            return c.stream().map(v -> (Boolean) v).toList();
        }
        throw ConfigFields.wrong(
                "rank_pattern", Map.of(name, mask == null ? "None" : mask), "a list of true and false");
    }

    static Map<String, Object> write(AdaLoraConfig c, ModelSites model) {
        RankSchedule schedule = c.schedule();
        Map<String, Object> json = c.attachmentFor(model).toJson(AdaLoraConfig.PEFT_TYPE, model, c.sites(model));
        json.put("init_r", schedule.initR());
        json.put("target_r", schedule.targetR());
        json.put("tinit", schedule.tInit());
        json.put("tfinal", schedule.tFinal());
        json.put("deltaT", schedule.deltaT());
        json.put("beta1", schedule.beta1());
        json.put("beta2", schedule.beta2());
        // PEFT refuses a file without steps
        json.put("total_step", Math.max(schedule.totalSteps(), schedule.tInit() + schedule.tFinal() + 1));
        json.put("lora_alpha", c.alpha() == (int) c.alpha() ? (Number) (int) c.alpha() : (Number) c.alpha());
        json.put("lora_dropout", c.dropout());
        json.put("orth_reg_weight", c.orthogonality());
        json.put("fan_in_fan_out", model.traits().fanInFanOut());
        if (!c.trainableTokens().isEmpty()) {
            json.put("trainable_token_indices", TokenTables.toJson(c.trainableTokens(), model));
        }
        if (c.ensureWeightTying()) {
            json.put("ensure_weight_tying", true);
        }
        return json;
    }
}
