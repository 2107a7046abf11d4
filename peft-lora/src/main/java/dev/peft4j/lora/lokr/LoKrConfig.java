package dev.peft4j.lora.lokr;

import dev.peft4j.core.adapter.Attachment;
import dev.peft4j.core.adapter.ConfigFields;
import dev.peft4j.core.adapter.NamePattern;
import dev.peft4j.core.adapter.OtherFields;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.site.ModelSites;
import dev.peft4j.core.site.Site;
import dev.peft4j.lora.RankedLayers;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What LoKr attaches.
 *
 * @param r rank R of the factors that are decomposed, from 1
 * @param alpha the update is scaled by {@code alpha / r}
 * @param rankDropout probability with which a row of the update is dropped while training
 * @param moduleDropout probability with which the update of a layer is dropped while training
 * @param rankDropoutScale whether the rows that are left are divided by their share
 * @param init how the factors start ({@code init_weights})
 * @param decomposeBoth whether the first factor is decomposed too where that saves parameters
 * @param decomposeFactor size of the first factor, or -1 for factors of like size
 * @param effectiveConv2d whether a convolution of several pixels has a small kernel of its own in its second factor ({@code use_effective_conv2d})
 * @param rankPattern other ranks for layers whose name ends in a match of the key
 * @param alphaPattern other alphas, in the same way
 * @param attachment the layers, and the modules that are trained whole
 */
public record LoKrConfig(
        int r,
        double alpha,
        double rankDropout,
        double moduleDropout,
        boolean rankDropoutScale,
        Init init,
        boolean decomposeBoth,
        int decomposeFactor,
        boolean effectiveConv2d,
        Map<String, Integer> rankPattern,
        Map<String, Double> alphaPattern,
        Attachment attachment)
        implements PeftConfig {
    static final String PEFT_TYPE = "LOKR";

    /** What is zero at the start. */
    public enum Init {
        /** The first factor. */
        FIRST_ZERO,
        /** The second factor: {@code "lycoris"}. */
        SECOND_ZERO,
        /** None: the adapter has an effect from the start. */
        RANDOM
    }

    /** Checks the ranges. */
    public LoKrConfig {
        rankPattern = new LinkedHashMap<>(rankPattern);
        alphaPattern = new LinkedHashMap<>(alphaPattern);
        new RankedLayers(r, alpha, rankPattern, alphaPattern, attachment).check();
        NamePattern.requireProbability("rank_dropout", rankDropout);
        NamePattern.requireProbability("module_dropout", moduleDropout);
        if (!attachment.read() && (decomposeFactor == 0 || decomposeFactor < -1)) {
            throw new BadInputException("decompose_factor = " + decomposeFactor
                    + " was given; it is -1 or at least 1. -1 makes factors of like size.");
        }
    }

    /** Rank and alpha, on some layers. */
    public static LoKrConfig of(int r, double alpha, Attachment attachment) {
        return new LoKrConfig(r, alpha, 0, 0, false, Init.FIRST_ZERO, false, -1, false, Map.of(), Map.of(), attachment);
    }

    static LoKrConfig read(Map<String, Object> json) {
        ConfigFields f = new ConfigFields(json);
        return new LoKrConfig(
                rank(f),
                f.number("alpha", 8),
                f.trainingProbability("rank_dropout", 0),
                f.trainingProbability("module_dropout", 0),
                f.truth("rank_dropout_scale", false),
                init(f),
                f.truth("decompose_both", false),
                f.whole("decompose_factor", -1),
                f.truth("use_effective_conv2d", false),
                ranks(f),
                f.alphas(),
                Attachment.read(f, EnumSet.of(Attachment.Choice.EXCLUDED, Attachment.Choice.BLOCKS)));
    }

    /** A rank that only scales may be written as 2.0. */
    private static int rank(ConfigFields f) {
        return f.any("r") instanceof Double r && isWhole(r) ? r.intValue() : f.whole("r", 8);
    }

    private static Map<String, Integer> ranks(ConfigFields f) {
        Map<String, Integer> all = f.ranks();
        f.object("rank_pattern").forEach((key, value) -> {
            if (value instanceof Double r && isWhole(r)) {
                all.put(key, r.intValue());
            }
        });
        return all;
    }

    private static boolean isWhole(double r) {
        return r == Math.rint(r) && Math.abs(r) < Integer.MAX_VALUE;
    }

    private static Init init(ConfigFields f) {
        if ("lycoris".equals(f.any("init_weights"))) {
            return Init.SECOND_ZERO;
        }
        return f.truth("init_weights", true) ? Init.FIRST_ZERO : Init.RANDOM;
    }

    private RankedLayers layers() {
        return new RankedLayers(r, alpha, rankPattern, alphaPattern, attachment);
    }

    int rank(Site site) {
        return layers().rank(site);
    }

    double scaling(Site site) {
        return layers().scaling(site);
    }

    List<Site> sites(ModelSites model) {
        return layers().sites(model);
    }

    @Override
    public OtherFields otherFields() {
        return attachment.otherFields();
    }

    @Override
    public List<String> untrainable(ModelSites model) {
        return layers().untrainable(model);
    }

    /** With a small kernel of its own in each convolution of several pixels. */
    public LoKrConfig withEffectiveConv2d() {
        return new LoKrConfig(
                r,
                alpha,
                rankDropout,
                moduleDropout,
                rankDropoutScale,
                init,
                decomposeBoth,
                decomposeFactor,
                true,
                rankPattern,
                alphaPattern,
                attachment);
    }

    @Override
    public LoKrConfig withModulesToSave(List<String> modules) {
        return new LoKrConfig(
                r,
                alpha,
                rankDropout,
                moduleDropout,
                rankDropoutScale,
                init,
                decomposeBoth,
                decomposeFactor,
                effectiveConv2d,
                rankPattern,
                alphaPattern,
                attachment.withModulesToSave(modules));
    }

    @Override
    public String peftType() {
        return PEFT_TYPE;
    }

    @Override
    public long parameterCount(ModelSites model) {
        return attachment.wholeCount(model)
                + sites(model).stream()
                        .mapToLong(s -> LoKrShape.of(this, s).parameterCount())
                        .sum();
    }

    @Override
    public Map<String, Object> toJson(ModelSites model) {
        Map<String, Object> json = layers().toJson(PEFT_TYPE, model);
        json.put("rank_dropout", rankDropout);
        json.put("module_dropout", moduleDropout);
        json.put("rank_dropout_scale", rankDropoutScale);
        json.put("init_weights", init == Init.SECOND_ZERO ? "lycoris" : (Object) (init == Init.FIRST_ZERO));
        json.put("decompose_both", decomposeBoth);
        json.put("decompose_factor", decomposeFactor);
        json.put("use_effective_conv2d", effectiveConv2d);
        return json;
    }
}
