package dev.peft4j.core.adapter;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The fields of an {@code adapter_config.json} while a method reads them. What it did not read is then refused if it changes the result,
 * else kept with a warning, so that it is written again.
 */
public final class ConfigFields {
    private static final Logger LOG = LoggerFactory.getLogger(ConfigFields.class);

    /** Fields of PEFT that no method here computes with. */
    private static final Set<String> NEUTRAL = Set.of(
            "peft_type",
            "task_type",
            "auto_mapping",
            "peft_version",
            "inference_mode",
            "fan_in_fan_out",
            "runtime_config",
            "megatron_core",
            "megatron_config",
            "qalora_group_size",
            "loftq_config",
            "eva_config",
            "corda_config",
            "lora_ga_config");

    /** Fields of PEFT that change what an adapter computes; a method that does not read one refuses it. */
    private static final Set<String> CHANGING = Set.of(
            "use_qalora",
            "use_bdlora",
            "use_dora",
            "use_rslora",
            "lora_bias",
            "bias",
            "alora_invocation_tokens",
            "target_parameters",
            "layer_replication",
            "arrow_config",
            "kasa_config",
            "velora_config",
            "monteclora_config",
            "ensure_weight_tying",
            "trainable_token_indices",
            "rank_pattern",
            "alpha_pattern",
            "layers_to_transform",
            "layers_pattern",
            "exclude_modules",
            "use_effective_conv2d");

    private final Map<String, Object> json;
    private final Set<String> read = new LinkedHashSet<>();

    /** Fields of a file. */
    public ConfigFields(Map<String, Object> json) {
        this.json = json;
    }

    /** A field as it is. */
    public @Nullable Object any(String name) {
        read.add(name);
        return json.get(name);
    }

    /** Whether a field is true; false where it is missing. */
    public boolean flag(String name, boolean otherwise) {
        Object v = any(name);
        if (v == null) {
            return otherwise;
        }
        if (v instanceof Boolean b) {
            return b;
        }
        throw wrong(name, v, "true or false");
    }

    /** A number. */
    public double number(String name, double otherwise) {
        Object v = any(name);
        return v == null ? otherwise : number(name, v);
    }

    private static double number(String name, @Nullable Object value) {
        if (value instanceof Number n) {
            return n.doubleValue();
        }
        throw wrong(name, value, "a number");
    }

    /** A whole number. */
    public int whole(String name, int otherwise) {
        Object v = any(name);
        return v == null ? otherwise : whole(name, v);
    }

    private static int whole(String name, @Nullable Object value) {
        if (value instanceof Integer n) {
            return n;
        }
        throw wrong(name, value, "a whole number");
    }

    /** A text. */
    public String text(String name, String otherwise) {
        Object v = any(name);
        if (v == null) {
            return otherwise;
        }
        if (v instanceof String s) {
            return s;
        }
        throw wrong(name, v, "a text");
    }

    /** A text or a list of texts as a list. */
    public List<String> strings(String name) {
        Object v = any(name);
        if (v instanceof Collection<?> c) {
            return c.stream().map(String::valueOf).toList();
        }
        return v == null ? List.of() : List.of(String.valueOf(v));
    }

    /** A whole number or a list of them as a list. */
    public List<Integer> wholes(String name) {
        Object v = any(name);
        if (v instanceof Collection<?> c) {
            return c.stream().map(e -> whole(name, e)).toList();
        }
        return v == null ? List.of() : List.of(whole(name, v));
    }

    /** A map with texts as keys, in the order of the file; empty where it is missing. */
    public Map<String, Object> object(String name) {
        Map<String, Object> out = new LinkedHashMap<>();
        Object v = any(name);
        if (v instanceof Map<?, ?> m) {
            m.forEach((k, e) -> out.put(String.valueOf(k), e));
        } else if (v != null) {
            throw wrong(name, v, "an object");
        }
        return out;
    }

    /** {@code rank_pattern}. */
    public Map<String, Integer> ranks() {
        Map<String, Integer> out = new LinkedHashMap<>();
        object("rank_pattern").forEach((k, v) -> out.put(k, whole("rank_pattern", v)));
        return out;
    }

    /** {@code alpha_pattern}. */
    public Map<String, Double> alphas() {
        Map<String, Double> out = new LinkedHashMap<>();
        object("alpha_pattern").forEach((k, v) -> out.put(k, number("alpha_pattern", v)));
        return out;
    }

    /**
     * What nobody read and has to be kept.
     *
     * @throws IllegalArgumentException if it changes what the adapter computes
     */
    public Map<String, Object> kept() {
        Map<String, Object> kept = new LinkedHashMap<>();
        json.forEach((name, value) -> {
            if (read.contains(name) || NEUTRAL.contains(name)) {
                return;
            }
            boolean off = isOff(value);
            if (CHANGING.contains(name)) {
                if (!off) {
                    throw new IllegalArgumentException("the field \"" + name + "\": " + value
                            + " changes what " + json.get("peft_type")
                            + " computes and is not supported. Convert the adapter in PEFT to one without it.");
                }
                return;
            }
            if (!off) {
                kept.put(name, value);
                if (!name.equals("base_model_name_or_path") && !name.equals("revision")) {
                    LOG.warn("the field {} of adapter_config.json is not known; it is kept and has no effect", name);
                }
            }
        });
        return kept;
    }

    private static boolean isOff(@Nullable Object value) {
        return value == null
                || value.equals(false)
                || value.equals("none")
                || (value instanceof Map<?, ?> m && m.isEmpty())
                || (value instanceof Collection<?> c && c.isEmpty());
    }

    private static IllegalArgumentException wrong(String name, @Nullable Object value, String expected) {
        return new IllegalArgumentException(
                "\"" + name + "\" is " + value + " where " + expected + " was expected. Correct the file.");
    }
}
