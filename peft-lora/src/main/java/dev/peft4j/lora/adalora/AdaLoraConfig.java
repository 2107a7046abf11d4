package dev.peft4j.lora.adalora;

import dev.peft4j.core.adapter.Attachment;
import dev.peft4j.core.adapter.NamePattern;
import dev.peft4j.core.adapter.OtherFields;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.adapter.TokenTables;
import dev.peft4j.core.adapter.WeightTying;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.site.LinearSite;
import dev.peft4j.core.site.ModelSites;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What AdaLoRA attaches.
 *
 * @param schedule how ranks are given out
 * @param alpha {@code lora_alpha}: the update is scaled by {@code alpha / init_r}; not above 0 for {@code init_r} itself
 * @param dropout probability with which elements of x are dropped while training
 * @param orthogonality factor of the term that keeps A and B orthogonal ({@code orth_reg_weight})
 * @param kept ranks that each layer has kept, of its {@code init_r} ones, where a file of PEFT holds these only ({@code rank_pattern}); else empty
 * @param trainableTokens tokens whose rows of a table are trained, by the ends of the names of tables, "" for the input embedding
 * @param ensureWeightTying whether a head that is tied to the embedding follows what is trained of the embedding
 * @param attachment the layers, and the modules that are trained whole
 */
public record AdaLoraConfig(
        RankSchedule schedule,
        double alpha,
        double dropout,
        double orthogonality,
        Map<String, List<Boolean>> kept,
        Map<String, List<Integer>> trainableTokens,
        boolean ensureWeightTying,
        Attachment attachment)
        implements PeftConfig {
    static final String PEFT_TYPE = "ADALORA";

    /** Checks the ranges. */
    public AdaLoraConfig {
        NamePattern.requireFinite("lora_alpha", alpha);
        NamePattern.requireProbability("lora_dropout", dropout);
        if (!(orthogonality >= 0) || !Double.isFinite(orthogonality)) {
            throw new BadInputException(
                    "orth_reg_weight = " + orthogonality + " was given; it is not below 0. 0.5 is usual.");
        }
        kept = new LinkedHashMap<>(kept);
        trainableTokens = new LinkedHashMap<>(trainableTokens);
    }

    /** Without trained tokens. */
    public AdaLoraConfig(
            RankSchedule schedule,
            double alpha,
            double dropout,
            double orthogonality,
            Map<String, List<Boolean>> kept,
            Attachment attachment) {
        this(schedule, alpha, dropout, orthogonality, kept, Map.of(), false, attachment);
    }

    /** Ranks and alpha, on some layers, with PEFT's defaults. */
    public static AdaLoraConfig of(RankSchedule schedule, double alpha, Attachment attachment) {
        return new AdaLoraConfig(schedule, alpha, 0, 0.5, Map.of(), attachment);
    }

    /** Ranks that a layer has. */
    int rank(LinearSite site) {
        List<Boolean> mask = kept.get(site.name());
        return mask == null
                ? schedule.initR()
                : (int) mask.stream().filter(b -> b).count();
    }

    /** The factor of the update at a layer: with PEFT's alpha, over the rank at the start. */
    double scaling(LinearSite site) {
        return (alpha > 0 ? alpha : rank(site)) / (schedule.initR() + 1e-5);
    }

    AdaLoraConfig with(Map<String, List<Boolean>> masks, RankSchedule newSchedule) {
        return new AdaLoraConfig(
                newSchedule, alpha, dropout, orthogonality, masks, trainableTokens, ensureWeightTying, attachment);
    }

    /** What of embedding and head is one. */
    WeightTying tying(ModelSites model) {
        return new WeightTying(attachment, ensureWeightTying, model);
    }

    /** The layers and modules, where embedding and head may be trained as one. */
    Attachment attachmentFor(ModelSites model) {
        return tying(model).resolve(model);
    }

    /** The tables with trained rows. */
    TokenTables tokenTables(ModelSites model) {
        return new TokenTables(trainableTokens, ensureWeightTying, model);
    }

    List<LinearSite> sites(ModelSites model) {
        return attachmentFor(model).sites(model);
    }

    @Override
    public OtherFields otherFields() {
        return attachment.otherFields();
    }

    @Override
    public List<String> untrainable(ModelSites model) {
        return attachment.untrainable(model);
    }

    @Override
    public AdaLoraConfig withModulesToSave(List<String> modules) {
        return new AdaLoraConfig(
                schedule,
                alpha,
                dropout,
                orthogonality,
                kept,
                trainableTokens,
                ensureWeightTying,
                attachment.withModulesToSave(modules));
    }

    @Override
    public String peftType() {
        return PEFT_TYPE;
    }

    @Override
    public long parameterCount(ModelSites model) {
        return attachmentFor(model).wholeCount(model)
                + tokenTables(model).count()
                + sites(model).stream()
                        .mapToLong(s -> (long) rank(s) * (s.in() + s.out() + 1))
                        .sum();
    }

    @Override
    public Map<String, Object> toJson(ModelSites model) {
        return AdaLoraJson.write(this, model);
    }
}
