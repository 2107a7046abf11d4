package dev.peft4j.lora;

import dev.peft4j.core.adapter.LinearSite;
import dev.peft4j.core.adapter.ModelSites;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.adapter.TargetModules;
import dev.peft4j.core.adapter.TaskType;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * What LoRA attaches.
 *
 * @param r rank R of the update, from 1
 * @param alpha {@code lora_alpha}: the update is scaled by {@code alpha / r}
 * @param dropout probability with which elements of x are dropped in front of A, while training
 * @param target the linear layers, or null for the default of the architecture
 */
public record LoraConfig(int r, double alpha, double dropout, @Nullable TargetModules target) implements PeftConfig {
    static final String PEFT_TYPE = "LORA";
    /** PEFT's defaults per {@code model_type}. */
    private static final Map<String, List<String>> DEFAULTS = Map.of(
            "gpt2", List.of("c_attn"),
            "llama", List.of("q_proj", "v_proj"),
            "bert", List.of("query", "value"));

    /** Checks the ranges. */
    public LoraConfig {
        if (r <= 0) {
            throw new IllegalArgumentException(
                    "r = " + r + " was given; the rank of LoRA is at least 1. 8 is a usual choice.");
        }
        if (!Double.isFinite(alpha)) {
            throw new IllegalArgumentException(
                    "lora_alpha = " + alpha + " was given; it must be a finite number. 2·r is usual.");
        }
        if (!(dropout >= 0 && dropout < 1)) {
            throw new IllegalArgumentException(
                    "lora_dropout = " + dropout + " was given; it is a probability from 0 to below 1. 0.05 is usual.");
        }
    }

    /** Rank and alpha, without dropout, on the default layers of the architecture. */
    public static LoraConfig of(int r, double alpha) {
        return new LoraConfig(r, alpha, 0, null);
    }

    /** With other target layers. */
    public LoraConfig withTarget(TargetModules target) {
        return new LoraConfig(r, alpha, dropout, target);
    }

    /** With dropout in front of A. */
    public LoraConfig withDropout(double dropout) {
        return new LoraConfig(r, alpha, dropout, target);
    }

    /** The factor of the update: {@code alpha / r}. */
    public double scaling() {
        return alpha / r;
    }

    /**
     * The layers of a model that it is attached to.
     *
     * @throws IllegalArgumentException if a target matches nothing, or there is no default for the architecture
     */
    List<LinearSite> sites(ModelSites model) {
        return targetFor(model).select(model);
    }

    private TargetModules targetFor(ModelSites model) {
        if (target != null) {
            return target;
        }
        List<String> names = DEFAULTS.get(model.modelType());
        if (names == null) {
            throw new IllegalArgumentException("no target_modules were given, and " + model.modelType()
                    + " has no default. Name the layers, or use all-linear.");
        }
        return TargetModules.of(names);
    }

    @Override
    public long parameterCount(ModelSites model) {
        long count = 0;
        for (LinearSite s : sites(model)) {
            count += (long) r * (s.in() + s.out());
        }
        for (String module : model.taskModules()) {
            count += model.tensor(module + ".weight").size()
                    + model.tensor(module + ".bias").size();
        }
        return count;
    }

    @Override
    public String peftType() {
        return PEFT_TYPE;
    }

    @Override
    public Map<String, Object> toJson(ModelSites model) {
        Map<String, Object> json = new TreeMap<>();
        json.put("peft_type", PEFT_TYPE);
        json.put("task_type", model.taskType().name());
        json.put("r", r);
        json.put("lora_alpha", alpha == (int) alpha ? (Number) (int) alpha : (Number) alpha);
        json.put("lora_dropout", dropout);
        json.put("target_modules", targetNames(model));
        json.put("fan_in_fan_out", model.fanInFanOut());
        json.put("modules_to_save", model.taskType() == TaskType.SEQ_CLS ? List.of("classifier", "score") : null);
        json.put("bias", "none");
        json.put("init_lora_weights", true);
        json.put("inference_mode", true);
        json.put("base_model_name_or_path", null);
        return json;
    }

    /** As PEFT: a pattern stays; a list becomes the shortest names that select the same layers. */
    private Object targetNames(ModelSites model) {
        TargetModules t = targetFor(model);
        if (!t.pattern().isEmpty()) {
            return t.pattern();
        }
        List<LinearSite> sites = t.select(model);
        TreeSet<String> endings = new TreeSet<>();
        sites.forEach(s -> endings.add(s.name().substring(s.name().lastIndexOf('.') + 1)));
        boolean same = TargetModules.of(List.copyOf(endings)).select(model).equals(sites);
        return same
                ? List.copyOf(endings)
                : sites.stream().map(LinearSite::name).sorted().toList();
    }
}
