package dev.peft4j.lora;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.ModelSites;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.adapter.PeftMethod;
import dev.peft4j.core.adapter.TargetModules;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** LoRA for the service loader, and its fields of {@code adapter_config.json}. */
public final class LoraMethod implements PeftMethod {
    /** Fields that do not change the result. */
    private static final Set<String> NEUTRAL = Set.of(
            "peft_type",
            "task_type",
            "auto_mapping",
            "peft_version",
            "base_model_name_or_path",
            "revision",
            "inference_mode",
            "megatron_core",
            "qalora_group_size",
            "fan_in_fan_out",
            "modules_to_save",
            "r",
            "lora_alpha",
            "lora_dropout",
            "target_modules",
            "init_lora_weights",
            "runtime_config");

    @Override
    public String peftType() {
        return LoraConfig.PEFT_TYPE;
    }

    @Override
    public PeftConfig read(Map<String, Object> json) {
        for (Map.Entry<String, Object> e : json.entrySet()) {
            if (!NEUTRAL.contains(e.getKey()) && !isDefault(e.getValue())) {
                throw new IllegalArgumentException("the field \"" + e.getKey() + "\": " + e.getValue()
                        + " changes what LoRA computes and is not supported. Only plain LoRA can be read.");
            }
        }
        if (!(json.get("init_lora_weights") == null || json.get("init_lora_weights") instanceof Boolean)) {
            throw new IllegalArgumentException(
                    "init_lora_weights is " + json.get("init_lora_weights")
                            + ": such an adapter belongs to a base that was changed. Convert it to plain LoRA when you save it in PEFT.");
        }
        checkModulesToSave(json.get("modules_to_save"));
        return new LoraConfig(
                (int) number(json, "r", 8),
                number(json, "lora_alpha", 8),
                number(json, "lora_dropout", 0),
                target(json));
    }

    private static boolean isDefault(@Nullable Object value) {
        return value == null
                || value.equals(false)
                || value.equals("none")
                || (value instanceof Map<?, ?> m && m.isEmpty())
                || (value instanceof Collection<?> c && c.isEmpty());
    }

    private static void checkModulesToSave(@Nullable Object modules) {
        if (modules instanceof Collection<?> c
                && !List.of("classifier", "score").containsAll(c)) {
            throw new IllegalArgumentException("modules_to_save " + modules
                    + " was found; only the classifier of the task can be saved with LoRA. Merge the adapter in PEFT.");
        }
    }

    private static double number(Map<String, Object> json, String name, double otherwise) {
        Object v = json.get(name);
        if (v == null) {
            return otherwise;
        }
        if (v instanceof Number n) {
            return n.doubleValue();
        }
        throw new IllegalArgumentException(
                "\"" + name + "\" is " + v + " where a number was expected. Correct the file.");
    }

    private static @Nullable TargetModules target(Map<String, Object> json) {
        Object t = json.get("target_modules");
        if (t == null) {
            return null;
        }
        if (t instanceof String pattern) {
            return TargetModules.matching(pattern);
        }
        if (t instanceof Collection<?> names) {
            return TargetModules.of(names.stream().map(String::valueOf).toList());
        }
        throw new IllegalArgumentException(
                "target_modules is " + t + " where names or a pattern were expected. Correct the file.");
    }

    @Override
    public Adapter create(PeftConfig config, ModelSites model, long seed) {
        if (!(config instanceof LoraConfig lora)) {
            throw new IllegalArgumentException("a config of LoRA was expected, " + config + " was given");
        }
        return new LoraAdapter(lora, model, seed);
    }
}
