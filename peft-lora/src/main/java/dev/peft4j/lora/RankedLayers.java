package dev.peft4j.lora;

import dev.peft4j.core.adapter.Attachment;
import dev.peft4j.core.adapter.NamePattern;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.site.ModelSites;
import dev.peft4j.core.site.Site;
import java.util.List;
import java.util.Map;

/**
 * The layers of a method whose updates have a rank and an alpha, which patterns change for some of them: what LoHa and LoKr share.
 *
 * @param r rank of layers without a pattern
 * @param alpha of layers without a pattern
 * @param rankPattern other ranks for layers whose name ends in a match of the key
 * @param alphaPattern other alphas, in the same way
 * @param attachment the layers
 */
public record RankedLayers(
        int r,
        double alpha,
        Map<String, Integer> rankPattern,
        Map<String, Double> alphaPattern,
        Attachment attachment) {
    /** Checks the ranges; of a file, the values that a layer uses are checked when it is made. */
    public void check() {
        if (!attachment.read()) {
            NamePattern.requireRank("r", r);
            rankPattern.forEach((k, v) -> NamePattern.requireRank("rank_pattern \"" + k + "\"", v));
        }
        NamePattern.requireFinite("alpha", alpha);
    }

    /** The rank at a layer. */
    public int rank(Site site) {
        int rank = NamePattern.value(rankPattern, site.name(), r);
        NamePattern.requireRank("r of " + site.name(), rank);
        return rank;
    }

    /** {@code alpha / r} at a layer. */
    public double scaling(Site site) {
        double found = NamePattern.value(alphaPattern, site.name(), alpha);
        NamePattern.requireFinite("alpha of " + site.name(), found);
        return found / rank(site);
    }

    /**
     * The layers of a model.
     *
     * @throws BadInputException if there are none, or a pattern matches none of them
     */
    public List<Site> sites(ModelSites model) {
        List<Site> sites = attachment.sitesWithConvolutions(model);
        NamePattern.check(rankPattern, sites, attachment.read());
        NamePattern.check(alphaPattern, sites, attachment.read());
        return sites;
    }

    /** Why a config of a file cannot be trained with; empty if it can. */
    public List<String> untrainable(ModelSites model) {
        return NamePattern.untrainable(attachment, sites(model), rankPattern, alphaPattern, model);
    }

    /** {@code adapter_config.json} with these fields. */
    public Map<String, Object> toJson(String peftType, ModelSites model) {
        List<Site> sites = sites(model);
        Map<String, Object> json = attachment.toJson(peftType, model, sites);
        json.put("r", r);
        json.put("alpha", alpha);
        json.put("rank_pattern", NamePattern.byName(sites, rankPattern, r));
        json.put("alpha_pattern", NamePattern.byName(sites, alphaPattern, alpha));
        return json;
    }
}
