package dev.peft4j.lora;

import dev.peft4j.core.adapter.LinearSite;
import dev.peft4j.core.adapter.ModelSites;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.adapter.TargetModules;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What LoRA attaches.
 *
 * @param r rank R of the update, from 1
 * @param alpha {@code lora_alpha}: the update is scaled by {@code alpha / r}
 * @param dropout probability with which elements of x are dropped in front of A, while training
 * @param target the linear layers, or null for the default of the architecture
 * @param rsLora scale by {@code alpha / √r} instead (Kalajdzievski 2023)
 * @param dora train the length of each row of the weight apart from its direction (Liu et al. 2024)
 * @param bias which biases of the base are trained
 * @param loraBias whether B has a bias of its own
 * @param rankPattern other ranks for layers whose name ends in a match of the key; the first key that matches counts
 * @param alphaPattern other alphas, in the same way
 * @param modulesToSave modules that are trained whole, by the ends of their names; null for those that the task needs
 */
public record LoraConfig(
        int r,
        double alpha,
        double dropout,
        @Nullable TargetModules target,
        boolean rsLora,
        boolean dora,
        Bias bias,
        boolean loraBias,
        Map<String, Integer> rankPattern,
        Map<String, Double> alphaPattern,
        @Nullable List<String> modulesToSave)
        implements PeftConfig {
    static final String PEFT_TYPE = "LORA";
    /** PEFT's defaults per {@code model_type}. */
    private static final Map<String, List<String>> DEFAULTS = Map.of(
            "gpt2", List.of("c_attn"),
            "llama", List.of("q_proj", "v_proj"),
            "bert", List.of("query", "value"));

    /** Which biases of the base are trained beside A and B. */
    public enum Bias {
        /** None. */
        NONE,
        /** All of the model. */
        ALL,
        /** Those of the layers that LoRA is attached to. */
        LORA_ONLY
    }

    /** Checks the ranges. */
    public LoraConfig {
        rankPattern = new LinkedHashMap<>(rankPattern);
        alphaPattern = new LinkedHashMap<>(alphaPattern);
        modulesToSave = modulesToSave == null ? null : List.copyOf(modulesToSave);
        requireRank("r", r);
        rankPattern.forEach((k, v) -> requireRank("rank_pattern \"" + k + "\"", v));
        requireAlpha("lora_alpha", alpha);
        alphaPattern.forEach((k, v) -> requireAlpha("alpha_pattern \"" + k + "\"", v));
        if (!(dropout >= 0 && dropout < 1)) {
            throw new IllegalArgumentException(
                    "lora_dropout = " + dropout + " was given; it is a probability from 0 to below 1. 0.05 is usual.");
        }
        if (dora && loraBias) {
            throw new IllegalArgumentException(
                    "use_dora and lora_bias were given; PEFT does not define both together. Choose one.");
        }
    }

    private static void requireRank(String name, int rank) {
        if (rank <= 0) {
            throw new IllegalArgumentException(
                    name + " = " + rank + " was given; the rank of LoRA is at least 1. 8 is a usual choice.");
        }
    }

    private static void requireAlpha(String name, double alpha) {
        if (!Double.isFinite(alpha)) {
            throw new IllegalArgumentException(
                    name + " = " + alpha + " was given; it must be a finite number. 2·r is usual.");
        }
    }

    /** Plain LoRA with dropout in front of A. */
    public LoraConfig(int r, double alpha, double dropout, @Nullable TargetModules target) {
        this(r, alpha, dropout, target, false, false, Bias.NONE, false, Map.of(), Map.of(), null);
    }

    /** Rank and alpha, without dropout, on the default layers of the architecture. */
    public static LoraConfig of(int r, double alpha) {
        return new LoraConfig(r, alpha, 0, null);
    }

    /** With other target layers. */
    public LoraConfig withTarget(TargetModules newTarget) {
        return new LoraConfig(
                r, alpha, dropout, newTarget, rsLora, dora, bias, loraBias, rankPattern, alphaPattern, modulesToSave);
    }

    /** With dropout in front of A. */
    public LoraConfig withDropout(double newDropout) {
        return new LoraConfig(
                r, alpha, newDropout, target, rsLora, dora, bias, loraBias, rankPattern, alphaPattern, modulesToSave);
    }

    /** With the scale {@code alpha / √r}. */
    public LoraConfig withRsLora() {
        return new LoraConfig(
                r, alpha, dropout, target, true, dora, bias, loraBias, rankPattern, alphaPattern, modulesToSave);
    }

    /** With weight decomposition. */
    public LoraConfig withDora() {
        return new LoraConfig(
                r, alpha, dropout, target, rsLora, true, bias, loraBias, rankPattern, alphaPattern, modulesToSave);
    }

    /** With other biases trained: those of the base, and one of B. */
    public LoraConfig withBias(Bias newBias, boolean newLoraBias) {
        return new LoraConfig(
                r,
                alpha,
                dropout,
                target,
                rsLora,
                dora,
                newBias,
                newLoraBias,
                rankPattern,
                alphaPattern,
                modulesToSave);
    }

    /** With other ranks and alphas for some layers. */
    public LoraConfig withPatterns(Map<String, Integer> ranks, Map<String, Double> alphas) {
        return new LoraConfig(r, alpha, dropout, target, rsLora, dora, bias, loraBias, ranks, alphas, modulesToSave);
    }

    /** With other modules trained whole. */
    public LoraConfig withModulesToSave(List<String> modules) {
        return new LoraConfig(
                r, alpha, dropout, target, rsLora, dora, bias, loraBias, rankPattern, alphaPattern, modules);
    }

    /** The rank at a layer. */
    int rank(LinearSite site) {
        return byPattern(rankPattern, site.name(), r);
    }

    /** The factor of the update at a layer. */
    double scaling(LinearSite site) {
        return rsLora ? alpha(site) / Math.sqrt(rank(site)) : alpha(site) / rank(site);
    }

    /** Alpha at a layer. */
    double alpha(LinearSite site) {
        return byPattern(alphaPattern, site.name(), alpha);
    }

    private static <T> T byPattern(Map<String, T> pattern, String name, T otherwise) {
        for (Map.Entry<String, T> e : pattern.entrySet()) {
            if (matches(e.getKey(), name)) {
                return e.getValue();
            }
        }
        return otherwise;
    }

    /** PEFT: {@code re.match(r"(.*\.)?(key)$", name)}. */
    private static boolean matches(String key, String name) {
        return Pattern.compile("(.*\\.)?(" + key + ")$").matcher(name).lookingAt();
    }

    /**
     * The layers of a model that it is attached to.
     *
     * @throws IllegalArgumentException if a target or a pattern matches nothing, or there is no default for the architecture
     */
    List<LinearSite> sites(ModelSites model) {
        List<String> whole = wholeModules(model);
        List<LinearSite> sites = targetFor(model).select(model).stream()
                .filter(s -> whole.stream().noneMatch(m -> isUnder(m, s.name())))
                .toList();
        for (Map<String, ?> pattern : List.of(rankPattern, alphaPattern)) {
            for (String key : pattern.keySet()) {
                if (sites.stream().noneMatch(s -> matches(key, s.name()))) {
                    throw new IllegalArgumentException("the pattern \"" + key + "\" matches none of the " + sites.size()
                            + " layers that LoRA is attached to, such as "
                            + sites.get(0).name() + ". Correct or remove it.");
                }
            }
        }
        return sites;
    }

    /** The endings of names of modules that are trained whole. */
    List<String> wholeModules(ModelSites model) {
        return modulesToSave == null ? model.taskModules() : modulesToSave;
    }

    /** Whether a name is of a module or of something inside of it. */
    static boolean isUnder(String module, String name) {
        return ("." + name + ".").contains("." + module + ".");
    }

    TargetModules targetFor(ModelSites model) {
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
            count += (long) rank(s) * (s.in() + s.out()) + (dora || loraBias ? s.out() : 0);
        }
        for (String name : model.tensorNames()) {
            boolean whole = wholeModules(model).stream().anyMatch(m -> isUnder(m, name));
            boolean biased = bias != Bias.NONE && name.endsWith(".bias");
            count += whole || biased ? model.tensor(name).size() : 0;
        }
        return count;
    }

    @Override
    public String peftType() {
        return PEFT_TYPE;
    }

    @Override
    public Map<String, Object> toJson(ModelSites model) {
        return LoraJson.write(this, model);
    }
}
