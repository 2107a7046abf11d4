package dev.peft4j.lora.loha;

import dev.peft4j.core.adapter.Attachment;
import dev.peft4j.core.adapter.ConfigFields;
import dev.peft4j.core.adapter.NamePattern;
import dev.peft4j.core.adapter.OtherFields;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.site.ModelSites;
import dev.peft4j.core.site.Site;
import dev.peft4j.lora.RankedLayers;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What LoHa attaches.
 *
 * @param r rank R of each of the two factors, from 1
 * @param alpha the update is scaled by {@code alpha / r}
 * @param rankDropout probability with which a row of the update is dropped while training
 * @param moduleDropout probability with which the update of a layer is dropped while training
 * @param zeroStart whether a new adapter changes nothing ({@code init_weights})
 * @param effectiveConv2d whether a convolution of several pixels has a small kernel of its own between its factors ({@code use_effective_conv2d})
 * @param rankPattern other ranks for layers whose name ends in a match of the key
 * @param alphaPattern other alphas, in the same way
 * @param attachment the layers, and the modules that are trained whole
 */
public record LoHaConfig(
        int r,
        double alpha,
        double rankDropout,
        double moduleDropout,
        boolean zeroStart,
        boolean effectiveConv2d,
        Map<String, Integer> rankPattern,
        Map<String, Double> alphaPattern,
        Attachment attachment)
        implements PeftConfig {
    static final String PEFT_TYPE = "LOHA";

    /** Checks the ranges. */
    public LoHaConfig {
        rankPattern = new LinkedHashMap<>(rankPattern);
        alphaPattern = new LinkedHashMap<>(alphaPattern);
        new RankedLayers(r, alpha, rankPattern, alphaPattern, attachment).check();
        NamePattern.requireProbability("rank_dropout", rankDropout);
        NamePattern.requireProbability("module_dropout", moduleDropout);
    }

    /** Rank and alpha, on some layers. */
    public static LoHaConfig of(int r, double alpha, Attachment attachment) {
        return new LoHaConfig(r, alpha, 0, 0, true, false, Map.of(), Map.of(), attachment);
    }

    static LoHaConfig read(Map<String, Object> json) {
        ConfigFields f = new ConfigFields(json);
        return new LoHaConfig(
                f.whole("r", 8),
                f.number("alpha", 8),
                f.trainingProbability("rank_dropout", 0),
                f.trainingProbability("module_dropout", 0),
                f.truth("init_weights", true),
                f.truth("use_effective_conv2d", false),
                f.ranks(),
                f.alphas(),
                Attachment.read(f, EnumSet.of(Attachment.Choice.EXCLUDED, Attachment.Choice.BLOCKS)));
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
    public LoHaConfig withEffectiveConv2d() {
        return new LoHaConfig(
                r, alpha, rankDropout, moduleDropout, zeroStart, true, rankPattern, alphaPattern, attachment);
    }

    @Override
    public LoHaConfig withModulesToSave(List<String> modules) {
        return new LoHaConfig(
                r,
                alpha,
                rankDropout,
                moduleDropout,
                zeroStart,
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
                        .mapToLong(s -> LoHaShape.of(this, s).parameterCount())
                        .sum();
    }

    @Override
    public Map<String, Object> toJson(ModelSites model) {
        Map<String, Object> json = layers().toJson(PEFT_TYPE, model);
        json.put("rank_dropout", rankDropout);
        json.put("module_dropout", moduleDropout);
        json.put("init_weights", zeroStart);
        json.put("use_effective_conv2d", effectiveConv2d);
        return json;
    }
}
