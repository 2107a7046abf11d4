package dev.peft4j.lora.adalora;

import dev.peft4j.core.adapter.Attachment;
import dev.peft4j.core.adapter.ConfigFields;
import dev.peft4j.core.adapter.LinearSite;
import dev.peft4j.core.adapter.ModelSites;
import dev.peft4j.core.adapter.NamePattern;
import dev.peft4j.core.adapter.PeftConfig;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What AdaLoRA attaches.
 *
 * @param schedule how ranks are given out
 * @param alpha {@code lora_alpha}: the update is scaled by {@code alpha / init_r}; not above 0 for {@code init_r} itself
 * @param dropout probability with which elements of x are dropped while training
 * @param orthogonality factor of the term that keeps A and B orthogonal ({@code orth_reg_weight})
 * @param kept ranks that each layer has kept, of its {@code init_r} ones, where a file of PEFT holds these only ({@code rank_pattern}); else empty
 * @param attachment the layers, and the modules that are trained whole
 */
public record AdaLoraConfig(
        RankSchedule schedule,
        double alpha,
        double dropout,
        double orthogonality,
        Map<String, List<Boolean>> kept,
        Attachment attachment)
        implements PeftConfig {
    static final String PEFT_TYPE = "ADALORA";
    private static final String SUFFIX = ".lora_E";

    /** Checks the ranges. */
    public AdaLoraConfig {
        NamePattern.requireFinite("lora_alpha", alpha);
        NamePattern.requireProbability("lora_dropout", dropout);
        if (!(orthogonality > 0) || !Double.isFinite(orthogonality)) {
            throw new IllegalArgumentException(
                    "orth_reg_weight = " + orthogonality + " was given; it is above 0. 0.5 is usual.");
        }
        kept = new LinkedHashMap<>(kept);
    }

    /** Ranks and alpha, on some layers, with PEFT's defaults. */
    public static AdaLoraConfig of(RankSchedule schedule, double alpha, Attachment attachment) {
        return new AdaLoraConfig(schedule, alpha, 0, 0.5, Map.of(), attachment);
    }

    static AdaLoraConfig read(Map<String, Object> json) {
        ConfigFields f = new ConfigFields(json);
        f.any("r"); // has no meaning for AdaLoRA
        f.any("init_lora_weights");
        f.any("alpha_pattern");
        RankSchedule schedule = new RankSchedule(
                f.whole("init_r", 12),
                f.whole("target_r", 8),
                f.whole("tinit", 0),
                f.whole("tfinal", 0),
                f.whole("deltaT", 1),
                f.number("beta1", 0.85),
                f.number("beta2", 0.85),
                f.whole("total_step", 0));
        Map<String, List<Boolean>> kept = new LinkedHashMap<>();
        f.object("rank_pattern").forEach((name, mask) -> kept.put(layerOf(name), mask(name, mask)));
        return new AdaLoraConfig(
                schedule,
                f.number("lora_alpha", 8),
                f.number("lora_dropout", 0),
                f.number("orth_reg_weight", 0.5),
                kept,
                Attachment.read(f));
    }

    /** PEFT's keys end in the name of the tensor, and once had the name of the adapter behind it. */
    private static String layerOf(String key) {
        int at = key.lastIndexOf(SUFFIX);
        String name = at < 0 ? key : key.substring(0, at);
        return name.startsWith("base_model.model.") ? name.substring("base_model.model.".length()) : name;
    }

    private static List<Boolean> mask(String name, @Nullable Object mask) {
        if (mask instanceof Collection<?> c && c.stream().allMatch(v -> v instanceof Boolean)) {
            return c.stream().map(v -> (Boolean) v).toList();
        }
        throw new IllegalArgumentException("rank_pattern of " + name + " is " + mask
                + "; a list of true and false was expected. Correct the file.");
    }

    /** Ranks that a layer has. */
    int rank(LinearSite site) {
        List<Boolean> mask = kept.get(site.name());
        return mask == null
                ? schedule.initR()
                : (int) mask.stream().filter(b -> b).count();
    }

    double scaling() {
        return (alpha > 0 ? alpha : schedule.initR()) / (schedule.initR() + 1e-5); // as PEFT
    }

    AdaLoraConfig with(Map<String, List<Boolean>> masks, RankSchedule newSchedule) {
        return new AdaLoraConfig(newSchedule, alpha, dropout, orthogonality, masks, attachment);
    }

    List<LinearSite> sites(ModelSites model) {
        return attachment.sites(model);
    }

    @Override
    public List<String> unmatched(ModelSites model) {
        return attachment.unmatched(model);
    }

    @Override
    public AdaLoraConfig withModulesToSave(List<String> modules) {
        return new AdaLoraConfig(schedule, alpha, dropout, orthogonality, kept, attachment.withModulesToSave(modules));
    }

    @Override
    public String peftType() {
        return PEFT_TYPE;
    }

    @Override
    public long parameterCount(ModelSites model) {
        return attachment.wholeCount(model)
                + sites(model).stream()
                        .mapToLong(s -> (long) rank(s) * (s.in() + s.out() + 1))
                        .sum();
    }

    @Override
    public Map<String, Object> toJson(ModelSites model) {
        Map<String, Object> json = attachment.toJson(PEFT_TYPE, model, sites(model));
        json.put("init_r", schedule.initR());
        json.put("target_r", schedule.targetR());
        json.put("tinit", schedule.tInit());
        json.put("tfinal", schedule.tFinal());
        json.put("deltaT", schedule.deltaT());
        json.put("beta1", schedule.beta1());
        json.put("beta2", schedule.beta2());
        // PEFT refuses a file without steps
        json.put("total_step", Math.max(schedule.totalSteps(), schedule.tInit() + schedule.tFinal() + 1));
        json.put("lora_alpha", alpha == (int) alpha ? (Number) (int) alpha : (Number) alpha);
        json.put("lora_dropout", dropout);
        json.put("orth_reg_weight", orthogonality);
        json.put("fan_in_fan_out", model.fanInFanOut());
        return json;
    }
}
