package dev.peft4j.lora;

import dev.peft4j.core.adapter.Attachment;
import dev.peft4j.core.adapter.NamePattern;
import dev.peft4j.core.adapter.OtherFields;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.adapter.TargetModules;
import dev.peft4j.core.adapter.TokenTables;
import dev.peft4j.core.adapter.WeightTying;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.site.ConvSite;
import dev.peft4j.core.site.EmbeddingSite;
import dev.peft4j.core.site.LinearSite;
import dev.peft4j.core.site.ModelSites;
import dev.peft4j.core.site.Site;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What LoRA attaches.
 *
 * @param r rank R of the update, from 1
 * @param alpha {@code lora_alpha}: the update is scaled by {@code alpha / r}
 * @param dropout probability with which elements of x are dropped in front of A, while training
 * @param attachment the layers (linear ones and embeddings), and the modules that are trained whole
 * @param rsLora scale by {@code alpha / √r} instead (Kalajdzievski 2023)
 * @param dora train the length of each row of the weight apart from its direction (Liu et al. 2024)
 * @param bias which biases of the base are trained
 * @param loraBias whether B has a bias of its own
 * @param rankPattern other ranks for layers whose name ends in a match of the key; the first key that matches counts
 * @param alphaPattern other alphas, in the same way
 * @param init how A and B start
 * @param trainableTokens tokens whose rows of a table are trained, by the ends of the names of tables, "" for the input embedding, which a tied head follows
 * @param ensureWeightTying whether a head that is tied to the embedding follows what is trained of the embedding, as a whole or by LoRA
 */
public record LoraConfig(
        int r,
        double alpha,
        double dropout,
        Attachment attachment,
        boolean rsLora,
        boolean dora,
        Bias bias,
        boolean loraBias,
        Map<String, Integer> rankPattern,
        Map<String, Double> alphaPattern,
        LoraInit init,
        Map<String, List<Integer>> trainableTokens,
        boolean ensureWeightTying)
        implements PeftConfig {
    static final String PEFT_TYPE = "LORA";

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
        trainableTokens = new LinkedHashMap<>(trainableTokens);
        NamePattern.requireFinite("lora_alpha", alpha);
        if (!attachment.read()) { // of a file, values count that a layer uses
            NamePattern.requireRank("r", r);
            rankPattern.forEach((k, v) -> NamePattern.requireRank("rank_pattern \"" + k + "\"", v));
            alphaPattern.forEach((k, v) -> NamePattern.requireFinite("alpha_pattern \"" + k + "\"", v));
        }
        NamePattern.requireProbability("lora_dropout", dropout);
        if (dora && loraBias) {
            throw new BadInputException(
                    "use_dora and lora_bias were given; PEFT does not define both together. Choose one.");
        }
        if (init.isTakenFromBase() && (dora || loraBias)) {
            throw new BadInputException("init_lora_weights " + init.toJson() + " was given with "
                    + (dora ? "use_dora" : "lora_bias")
                    + "; the result could not be written as plain LoRA. Choose one of them.");
        }
    }

    /** Plain LoRA with dropout in front of A. */
    public LoraConfig(int r, double alpha, double dropout, @Nullable TargetModules target) {
        this(
                r,
                alpha,
                dropout,
                Attachment.to(target),
                false,
                false,
                Bias.NONE,
                false,
                Map.of(),
                Map.of(),
                LoraInit.DEFAULT,
                Map.of(),
                false);
    }

    /** Rank and alpha, without dropout, on the default layers of the architecture. */
    public static LoraConfig of(int r, double alpha) {
        return new LoraConfig(r, alpha, 0, null);
    }

    /** A builder with the values of this config. */
    public LoraConfigBuilder toBuilder() {
        return new LoraConfigBuilder(this);
    }

    /** With other target layers. */
    public LoraConfig withTarget(@Nullable TargetModules target) {
        return toBuilder().attachment(attachment.withTarget(target)).build();
    }

    /** With dropout in front of A. */
    public LoraConfig withDropout(double newDropout) {
        return toBuilder().dropout(newDropout).build();
    }

    /** With the scale {@code alpha / √r}. */
    public LoraConfig withRsLora() {
        return toBuilder().rsLora(true).build();
    }

    /** With weight decomposition. */
    public LoraConfig withDora() {
        return toBuilder().dora(true).build();
    }

    /** With other biases trained: those of the base, and one of B. */
    public LoraConfig withBias(Bias newBias, boolean newLoraBias) {
        return toBuilder().bias(newBias).loraBias(newLoraBias).build();
    }

    /** With other ranks and alphas for some layers. */
    public LoraConfig withPatterns(Map<String, Integer> ranks, Map<String, Double> alphas) {
        return toBuilder().rankPattern(ranks).alphaPattern(alphas).build();
    }

    @Override
    public LoraConfig withModulesToSave(List<String> modules) {
        return toBuilder().attachment(attachment.withModulesToSave(modules)).build();
    }

    /** With other first values of A and B. */
    public LoraConfig withInit(LoraInit newInit) {
        return toBuilder().init(newInit).build();
    }

    /** With rows of the input embedding trained; without tokens none. */
    public LoraConfig withTrainableTokens(List<Integer> tokens) {
        return withTrainableTokens(tokens.isEmpty() ? Map.of() : Map.of("", tokens));
    }

    /** With rows of some tables trained. */
    public LoraConfig withTrainableTokens(Map<String, List<Integer>> tables) {
        return toBuilder().trainableTokens(tables).build();
    }

    /** With a head that stays tied to the embedding. */
    public LoraConfig withWeightTying() {
        return toBuilder().ensureWeightTying(true).build();
    }

    /** How A and B start; those of a file do not need what is costly. */
    LoraInit firstValues() {
        return attachment.read() && !init.isTakenFromBase() ? LoraInit.DEFAULT : init;
    }

    /** The rank at a layer. */
    int rank(Site site) {
        int rank = NamePattern.value(rankPattern, site.name(), r);
        NamePattern.requireRank("r of " + site.name(), rank);
        return rank;
    }

    /** The factor of the update at a layer. */
    double scaling(Site site) {
        return rsLora ? alpha(site) / Math.sqrt(rank(site)) : alpha(site) / rank(site);
    }

    /** Alpha at a layer. */
    double alpha(Site site) {
        double found = NamePattern.value(alphaPattern, site.name(), alpha);
        NamePattern.requireFinite("alpha_pattern of " + site.name(), found);
        return found;
    }

    /**
     * The layers of a model that it is attached to.
     *
     * @throws BadInputException if a target or a pattern matches nothing, or there is no default for the architecture
     */
    List<Site> sites(ModelSites model) {
        List<Site> chosen = attachmentFor(model).sitesOfAllKinds(model);
        NamePattern.check(rankPattern, chosen, attachment.read());
        NamePattern.check(alphaPattern, chosen, attachment.read());
        LinearSite shared = tying(model).sharedHead(model).orElse(null);
        return chosen.stream().filter(s -> !s.equals(shared)).toList();
    }

    @Override
    public OtherFields otherFields() {
        return attachment.otherFields();
    }

    @Override
    public List<String> untrainable(ModelSites model) {
        List<String> all =
                new ArrayList<>(NamePattern.untrainable(attachment, sites(model), rankPattern, alphaPattern, model));
        if (dora && tying(model).sharedHead(model).isPresent()) {
            all.add("ensure_weight_tying true beside use_dora");
        }
        return all;
    }

    /** What of embedding and head is one. */
    WeightTying tying(ModelSites model) {
        return new WeightTying(attachment, ensureWeightTying, model);
    }

    /** The tables with trained rows. */
    TokenTables tokenTables(ModelSites model) {
        return new TokenTables(trainableTokens, ensureWeightTying, model);
    }

    /** The layers and modules, where embedding and head may be trained as one. */
    Attachment attachmentFor(ModelSites model) {
        return tying(model).resolve(model);
    }

    @Override
    public long parameterCount(ModelSites model) {
        long count = attachmentFor(model).wholeCount(model);
        for (Site s : sites(model)) {
            if (s instanceof LinearSite l) {
                count += (long) rank(s) * (l.in() + l.out()) + (dora || loraBias ? l.out() : 0);
            } else if (s instanceof EmbeddingSite e) {
                count += (long) rank(s) * (e.entries() + e.width()) + (dora ? e.width() : 0);
            } else if (s instanceof ConvSite c) {
                count += ConvLora.count(c, rank(s)) + (dora || loraBias ? c.out() : 0);
            }
        }
        for (String name : model.tensorNames()) {
            count += bias != Bias.NONE && name.endsWith(".bias") ? model.elements(name) : 0;
        }
        return count + tokenTables(model).count();
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
