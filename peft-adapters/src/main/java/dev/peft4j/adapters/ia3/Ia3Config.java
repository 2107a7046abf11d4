package dev.peft4j.adapters.ia3;

import dev.peft4j.core.adapter.Attachment;
import dev.peft4j.core.adapter.ConfigFields;
import dev.peft4j.core.adapter.OtherFields;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.adapter.TargetModules;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.site.ConvSite;
import dev.peft4j.core.site.LinearSite;
import dev.peft4j.core.site.ModelSites;
import dev.peft4j.core.site.Site;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What IA3 attaches.
 *
 * @param feedForward the layers whose input is scaled, instead of their output; null for the default of the architecture
 * @param onesAtStart whether a new adapter changes nothing ({@code init_ia3_weights})
 * @param attachment the layers, and the modules that are trained whole
 */
public record Ia3Config(@Nullable FeedForward feedForward, boolean onesAtStart, Attachment attachment)
        implements PeftConfig {
    /**
     * Layers whose input is scaled.
     *
     * @param endings of their names, without looking for a dot, as in PEFT
     * @param pattern regular expression over whole names, instead of endings; empty for none
     */
    public record FeedForward(List<String> endings, String pattern) {
        /** Copies the list. */
        public FeedForward {
            endings = List.copyOf(endings);
        }

        /** Layers whose names end in one of these; none for no layer. */
        public static FeedForward of(String... endings) {
            return new FeedForward(List.of(endings), "");
        }

        boolean means(String layer) {
            return pattern.isEmpty()
                    ? endings.stream().anyMatch(layer::endsWith)
                    : TargetModules.matching(pattern).isMatched(layer);
        }
    }

    static final String PEFT_TYPE = "IA3";

    /** PEFT's default layers of the architecture. */
    public static final Ia3Config DEFAULT = new Ia3Config(null, true, Attachment.DEFAULT);

    static Ia3Config read(Map<String, Object> json) {
        ConfigFields f = new ConfigFields(json);
        f.ignore("fan_in_fan_out"); // follows from the model
        FeedForward feedForward = feedForward(f);
        boolean ones = f.truth("init_ia3_weights", true);
        return new Ia3Config(feedForward, ones, Attachment.read(f, EnumSet.of(Attachment.Choice.EXCLUDED)));
    }

    /** Null for the default of the architecture. */
    private static @Nullable FeedForward feedForward(ConfigFields f) {
        Object value = f.any("feedforward_modules");
        if (value == null || value instanceof String) {
            return value == null ? null : new FeedForward(List.of(), value.toString());
        }
        List<String> endings = f.texts("feedforward_modules");
        if (value instanceof Collection && f.any("target_modules") instanceof Collection<?> targets) {
            for (String ending : endings) {
                if (!targets.contains(ending)) {
                    throw new BadInputException("feedforward_modules has " + ending
                            + ", which target_modules does not have. It has to be a part of target_modules.");
                }
            }
        }
        return new FeedForward(endings, "");
    }

    /**
     * The layers.
     *
     * @throws BadInputException if a feed-forward layer is not one of them
     */
    List<Site> sites(ModelSites model) {
        List<Site> sites = attachment.choose(Attachment.withConvolutions(model), target(model), model, false);
        List<String> unmatched = attachment.read() ? List.of() : unmatchedFeedForward(sites);
        if (!unmatched.isEmpty()) {
            throw new BadInputException("feedforward_modules " + unmatched + " matches none of the "
                    + sites.size() + " target layers, such as " + sites.get(0).name()
                    + ". It has to be a part of target_modules.");
        }
        return sites;
    }

    private TargetModules target(ModelSites model) {
        return attachment.targetOr(PEFT_TYPE, model);
    }

    private List<String> unmatchedFeedForward(List<Site> sites) {
        return feedForward == null
                ? List.of()
                : feedForward.endings().stream()
                        .filter(ending -> sites.stream().noneMatch(s -> s.name().endsWith(ending)))
                        .toList();
    }

    @Override
    public OtherFields otherFields() {
        return attachment.otherFields();
    }

    @Override
    public List<String> untrainable(ModelSites model) {
        List<String> all = new ArrayList<>(attachment.untrainable(target(model), model));
        unmatchedFeedForward(sites(model)).forEach(m -> all.add("feedforward_modules " + m));
        return all;
    }

    private FeedForward inner(ModelSites model) {
        if (feedForward != null) {
            return feedForward;
        }
        return new FeedForward(model.traits().feedForward(), "");
    }

    /** Whether the input of a layer is scaled. */
    boolean scalesInput(ModelSites model, Site site) {
        return inner(model).means(site.name());
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
                        .mapToLong(s -> channels(s, scalesInput(model, s)))
                        .sum();
    }

    private static int channels(Site site, boolean input) {
        if (site instanceof ConvSite c) {
            return input ? c.in() : c.out();
        }
        return site instanceof LinearSite l ? (input ? l.in() : l.out()) : 0;
    }

    @Override
    public Map<String, Object> toJson(ModelSites model) {
        List<Site> sites = sites(model);
        TargetModules t = target(model);
        Map<String, Object> json = attachment.withTarget(t).toJson(PEFT_TYPE, model, sites);
        // PEFT asks for feed-forward modules by the same words as for target modules
        FeedForward inner = inner(model);
        boolean asGiven = t.excluded() == null
                && t.layers().isEmpty()
                && inner.pattern().isEmpty()
                && t.names().containsAll(inner.endings())
                && attachment.untrainable(t, model).isEmpty()
                && Attachment.meanOnly(t.names(), sites.stream().map(Site::name).collect(Collectors.toSet()), model);
        if (sites.isEmpty()) {
            json.put("feedforward_modules", List.of());
        } else if (asGiven && !t.names().isEmpty()) {
            json.put("target_modules", t.names());
            json.put("feedforward_modules", inner.endings());
        } else {
            json.put("target_modules", sites.stream().map(Site::name).toList());
            json.put(
                    "feedforward_modules",
                    sites.stream()
                            .filter(s -> scalesInput(model, s))
                            .map(Site::name)
                            .toList());
        }
        json.put("init_ia3_weights", onesAtStart);
        json.put("fan_in_fan_out", model.traits().fanInFanOut());
        return json;
    }
}
