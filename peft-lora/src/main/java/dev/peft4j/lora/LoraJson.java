package dev.peft4j.lora;

import dev.peft4j.core.adapter.LinearSite;
import dev.peft4j.core.adapter.ModelSites;
import dev.peft4j.core.adapter.TargetModules;
import dev.peft4j.core.adapter.TaskType;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** LoRA's fields of {@code adapter_config.json}. */
final class LoraJson {
    private static final Logger LOG = LoggerFactory.getLogger(LoraJson.class);

    /** Fields that are read, or that do not change the result. */
    private static final Set<String> KNOWN = Set.of(
            "peft_type",
            "task_type",
            "auto_mapping",
            "peft_version",
            "base_model_name_or_path",
            "revision",
            "inference_mode",
            "megatron_core",
            "qalora_group_size",
            "runtime_config",
            "fan_in_fan_out",
            "modules_to_save",
            "r",
            "lora_alpha",
            "lora_dropout",
            "target_modules",
            "exclude_modules",
            "layers_to_transform",
            "layers_pattern",
            "init_lora_weights",
            "use_rslora",
            "use_dora",
            "bias",
            "lora_bias",
            "rank_pattern",
            "alpha_pattern");

    private LoraJson() {}

    static LoraConfig read(Map<String, Object> json) {
        for (Map.Entry<String, Object> e : json.entrySet()) {
            if (KNOWN.contains(e.getKey())) {
                continue;
            }
            if (!isDefault(e.getValue())) {
                throw new IllegalArgumentException(
                        "the field \"" + e.getKey() + "\": " + e.getValue()
                                + " may change what LoRA computes and is not supported. Convert the adapter to plain LoRA in PEFT.");
            }
            LOG.debug("the field {} is not known and off", e.getKey());
        }
        if (!(json.get("init_lora_weights") == null || json.get("init_lora_weights") instanceof Boolean)) {
            throw new IllegalArgumentException(
                    "init_lora_weights is " + json.get("init_lora_weights")
                            + ": such an adapter belongs to a base that was changed. Convert it to plain LoRA when you save it in PEFT.");
        }
        Map<String, Integer> ranks = new LinkedHashMap<>();
        object(json, "rank_pattern").forEach((k, v) -> ranks.put(k, (int) number("rank_pattern", v)));
        Map<String, Double> alphas = new LinkedHashMap<>();
        object(json, "alpha_pattern").forEach((k, v) -> alphas.put(k, number("alpha_pattern", v)));
        return new LoraConfig(
                (int) number(json, "r", 8),
                number(json, "lora_alpha", 8),
                number(json, "lora_dropout", 0),
                target(json),
                Boolean.TRUE.equals(json.get("use_rslora")),
                Boolean.TRUE.equals(json.get("use_dora")),
                bias(json.get("bias")),
                Boolean.TRUE.equals(json.get("lora_bias")),
                ranks,
                alphas,
                strings(json.get("modules_to_save")).stream()
                        .filter(m -> !m.equals("score")) // PEFT names both heads that classifiers may have
                        .toList());
    }

    private static boolean isDefault(@Nullable Object value) {
        return value == null
                || value.equals(false)
                || value.equals("none")
                || (value instanceof Map<?, ?> m && m.isEmpty())
                || (value instanceof Collection<?> c && c.isEmpty());
    }

    private static LoraConfig.Bias bias(@Nullable Object value) {
        String name = value == null ? "none" : String.valueOf(value);
        return switch (name) {
            case "none" -> LoraConfig.Bias.NONE;
            case "all" -> LoraConfig.Bias.ALL;
            case "lora_only" -> LoraConfig.Bias.LORA_ONLY;
            default ->
                throw new IllegalArgumentException(
                        "bias is \"" + name + "\"; there are none, all and lora_only. Correct the file.");
        };
    }

    private static Map<String, Object> object(Map<String, Object> json, String name) {
        Map<String, Object> out = new LinkedHashMap<>();
        if (json.get(name) instanceof Map<?, ?> m) {
            m.forEach((k, v) -> out.put(String.valueOf(k), v));
        }
        return out;
    }

    private static double number(Map<String, Object> json, String name, double otherwise) {
        Object v = json.get(name);
        return v == null ? otherwise : number(name, v);
    }

    private static double number(String name, @Nullable Object value) {
        if (value instanceof Number n) {
            return n.doubleValue();
        }
        throw new IllegalArgumentException(
                "\"" + name + "\" is " + value + " where a number was expected. Correct the file.");
    }

    /** A text or a list of texts as a list. */
    private static List<String> strings(@Nullable Object value) {
        if (value instanceof Collection<?> c) {
            return c.stream().map(String::valueOf).toList();
        }
        return value == null ? List.of() : List.of(String.valueOf(value));
    }

    private static @Nullable TargetModules target(Map<String, Object> json) {
        TargetModules target = modules("target_modules", json.get("target_modules"));
        if (target == null) {
            return null;
        }
        if (json.get("layers_to_transform") != null) {
            List<Integer> layers = strings(json.get("layers_to_transform")).stream()
                    .map(Integer::valueOf)
                    .toList();
            target = target.inLayers(layers, strings(json.get("layers_pattern")));
        }
        return target.without(modules("exclude_modules", json.get("exclude_modules")));
    }

    private static @Nullable TargetModules modules(String field, @Nullable Object value) {
        if (value == null || (value instanceof Collection<?> c && c.isEmpty())) {
            return null;
        }
        if (value instanceof String pattern) {
            return TargetModules.matching(pattern);
        }
        if (value instanceof Collection<?>) {
            return TargetModules.of(strings(value));
        }
        throw new IllegalArgumentException(
                field + " is " + value + " where names or a pattern were expected. Correct the file.");
    }

    /** Newer fields are left out while they have their default: older readers stop at names that they do not know. */
    static Map<String, Object> write(LoraConfig c, ModelSites model) {
        Map<String, Object> json = new TreeMap<>();
        json.put("peft_type", LoraConfig.PEFT_TYPE);
        json.put("task_type", model.taskType().name());
        json.put("base_model_name_or_path", null);
        json.put("inference_mode", true);
        json.put("init_lora_weights", true);
        json.put("fan_in_fan_out", model.fanInFanOut());
        json.put("r", c.r());
        json.put("lora_alpha", whole(c.alpha()));
        json.put("lora_dropout", c.dropout());
        json.put("bias", c.bias().name().toLowerCase(Locale.ROOT));
        json.put("modules_to_save", modulesToSave(c, model));
        TargetModules target = c.targetFor(model);
        json.put("target_modules", targetNames(c, target, model));
        if (!c.rankPattern().isEmpty()) {
            Map<String, Object> ranks = new TreeMap<>();
            c.sites(model).stream().filter(s -> c.rank(s) != c.r()).forEach(s -> ranks.put(s.name(), c.rank(s)));
            json.put("rank_pattern", ranks);
        }
        if (!c.alphaPattern().isEmpty()) {
            Map<String, Object> alphas = new TreeMap<>();
            c.sites(model).forEach(s -> {
                if (c.alpha(s) != c.alpha()) {
                    alphas.put(s.name(), whole(c.alpha(s)));
                }
            });
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
        return json;
    }

    private static Number whole(double value) {
        return value == (int) value ? (Number) (int) value : (Number) value;
    }

    private static @Nullable List<String> modulesToSave(LoraConfig c, ModelSites model) {
        List<String> modules = new ArrayList<>(c.wholeModules(model));
        if (model.taskType() == TaskType.SEQ_CLS && modules.contains("classifier")) {
            modules.add("score");
        }
        return modules.isEmpty() ? null : modules;
    }

    /** A pattern that leaves nothing out stays; else the shortest names that select the same layers, so that no other field is needed. */
    private static Object targetNames(LoraConfig c, TargetModules target, ModelSites model) {
        List<LinearSite> sites = c.sites(model);
        if (!target.pattern().isEmpty() && target.excluded() == null) {
            return target.pattern();
        }
        TreeSet<String> endings = new TreeSet<>();
        sites.forEach(s -> endings.add(s.name().substring(s.name().lastIndexOf('.') + 1)));
        boolean same = TargetModules.of(List.copyOf(endings)).select(model).equals(sites);
        return same
                ? List.copyOf(endings)
                : sites.stream().map(LinearSite::name).sorted().toList();
    }
}
