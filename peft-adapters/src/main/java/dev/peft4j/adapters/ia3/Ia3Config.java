package dev.peft4j.adapters.ia3;

import dev.peft4j.core.adapter.Attachment;
import dev.peft4j.core.adapter.ConfigFields;
import dev.peft4j.core.adapter.LinearSite;
import dev.peft4j.core.adapter.ModelSites;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.adapter.TargetModules;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What IA3 attaches.
 *
 * @param feedForward endings of the names of those layers whose input is scaled, instead of their output; null for the default of the architecture
 * @param onesAtStart whether a new adapter changes nothing ({@code init_ia3_weights})
 * @param attachment the layers, and the modules that are trained whole
 */
public record Ia3Config(@Nullable List<String> feedForward, boolean onesAtStart, Attachment attachment)
        implements PeftConfig {
    static final String PEFT_TYPE = "IA3";
    private static final Map<String, List<String>> TARGETS = Map.of(
            "gpt2", List.of("c_attn", "mlp.c_proj"),
            "llama", List.of("k_proj", "v_proj", "down_proj"),
            "bert", List.of("key", "value", "output.dense"));
    private static final Map<String, List<String>> FEED_FORWARD = Map.of(
            "gpt2", List.of("mlp.c_proj"),
            "llama", List.of("down_proj"),
            "bert", List.of("output.dense"));

    /** PEFT's default layers of the architecture. */
    public static final Ia3Config DEFAULT = new Ia3Config(null, true, Attachment.DEFAULT);

    /** Copies the list. */
    public Ia3Config {
        feedForward = feedForward == null ? null : List.copyOf(feedForward);
    }

    static Ia3Config read(Map<String, Object> json) {
        ConfigFields f = new ConfigFields(json);
        List<String> inner = f.strings("feedforward_modules");
        return new Ia3Config(inner, f.flag("init_ia3_weights", true), Attachment.read(f));
    }

    /** The attachment with the default layers of this method. */
    private Attachment attachmentFor(ModelSites model) {
        if (attachment.target() != null) {
            return attachment;
        }
        return attachment.withTarget(TargetModules.of(defaults(TARGETS, model)));
    }

    private static List<String> defaults(Map<String, List<String>> of, ModelSites model) {
        List<String> names = of.get(model.modelType());
        if (names == null) {
            throw new IllegalArgumentException("no target_modules were given, and " + model.modelType()
                    + " has no default of IA3. Name the layers.");
        }
        return names;
    }

    /**
     * The layers.
     *
     * @throws IllegalArgumentException if a feed-forward layer is not one of them
     */
    List<LinearSite> sites(ModelSites model) {
        List<LinearSite> sites = attachmentFor(model).sites(model);
        for (String ending : inner(model)) {
            if (sites.stream().noneMatch(s -> s.name().endsWith(ending))) {
                throw new IllegalArgumentException("feedforward_modules [" + ending + "] matches none of the "
                        + sites.size() + " target layers, such as "
                        + sites.get(0).name()
                        + ". It has to be a part of target_modules.");
            }
        }
        return sites;
    }

    private List<String> inner(ModelSites model) {
        if (feedForward != null) {
            return feedForward;
        }
        return attachment.target() == null ? defaults(FEED_FORWARD, model) : List.of();
    }

    /** Whether the input of a layer is scaled; PEFT compares the ends of names without looking for a dot. */
    boolean scalesInput(ModelSites model, LinearSite site) {
        return inner(model).stream().anyMatch(site.name()::endsWith);
    }

    @Override
    public Ia3Config withModulesToSave(List<String> modules) {
        return new Ia3Config(feedForward, onesAtStart, attachment.withModulesToSave(modules));
    }

    @Override
    public String peftType() {
        return PEFT_TYPE;
    }

    @Override
    public long parameterCount(ModelSites model) {
        return attachment.wholeCount(model)
                + sites(model).stream()
                        .mapToLong(s -> scalesInput(model, s) ? s.in() : s.out())
                        .sum();
    }

    @Override
    public Map<String, Object> toJson(ModelSites model) {
        List<LinearSite> sites = sites(model);
        Map<String, Object> json = attachmentFor(model).toJson(PEFT_TYPE, model, sites);
        // PEFT asks for feed-forward modules by the same words as for target modules
        TargetModules t = attachmentFor(model).targetFor(model);
        boolean asGiven =
                t.excluded() == null && t.layers().isEmpty() && t.names().containsAll(inner(model));
        if (asGiven && !t.names().isEmpty()) {
            json.put("target_modules", t.names());
            json.put("feedforward_modules", inner(model));
        } else {
            json.put("target_modules", sites.stream().map(LinearSite::name).toList());
            json.put(
                    "feedforward_modules",
                    sites.stream()
                            .filter(s -> scalesInput(model, s))
                            .map(LinearSite::name)
                            .toList());
        }
        json.put("init_ia3_weights", onesAtStart);
        json.put("fan_in_fan_out", model.fanInFanOut());
        return json;
    }
}
