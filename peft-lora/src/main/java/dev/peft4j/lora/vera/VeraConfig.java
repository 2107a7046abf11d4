package dev.peft4j.lora.vera;

import dev.peft4j.core.adapter.Attachment;
import dev.peft4j.core.adapter.ConfigFields;
import dev.peft4j.core.adapter.LinearSite;
import dev.peft4j.core.adapter.ModelSites;
import dev.peft4j.core.adapter.NamePattern;
import dev.peft4j.core.adapter.PeftConfig;
import java.util.List;
import java.util.Map;

/**
 * What VeRA attaches.
 *
 * @param r rank R of the shared matrices, from 1
 * @param key seed of the shared matrices ({@code projection_prng_key})
 * @param saveProjection whether they are written to the file
 * @param start first value of the vector of the inner dimension ({@code d_initial})
 * @param dropout probability with which elements of x are dropped while training
 * @param zeroStart whether a new adapter changes nothing ({@code init_weights})
 * @param attachment the layers, and the modules that are trained whole
 */
public record VeraConfig(
        int r, long key, boolean saveProjection, double start, double dropout, boolean zeroStart, Attachment attachment)
        implements PeftConfig {
    static final String PEFT_TYPE = "VERA";

    /** Checks the ranges. */
    public VeraConfig {
        NamePattern.requireRank("r", r);
        NamePattern.requireFinite("d_initial", start);
        NamePattern.requireProbability("vera_dropout", dropout);
    }

    /** Rank, on some layers, with PEFT's defaults. */
    public static VeraConfig of(int r, Attachment attachment) {
        return new VeraConfig(r, 0, true, 0.1, 0, true, attachment);
    }

    static VeraConfig read(Map<String, Object> json) {
        ConfigFields f = new ConfigFields(json);
        return new VeraConfig(
                f.whole("r", 256),
                (long) f.number("projection_prng_key", 0),
                f.flag("save_projection", true),
                f.number("d_initial", 0.1),
                f.number("vera_dropout", 0),
                f.flag("init_weights", true),
                Attachment.read(f));
    }

    List<LinearSite> sites(ModelSites model) {
        return attachment.sites(model);
    }

    @Override
    public List<String> unmatched(ModelSites model) {
        return attachment.unmatched(model);
    }

    /** Input features of the widest layer. */
    static int mostIn(List<LinearSite> sites) {
        return sites.stream().mapToInt(LinearSite::in).max().orElseThrow();
    }

    /** Output features of the widest layer. */
    static int mostOut(List<LinearSite> sites) {
        return sites.stream().mapToInt(LinearSite::out).max().orElseThrow();
    }

    @Override
    public VeraConfig withModulesToSave(List<String> modules) {
        return new VeraConfig(r, key, saveProjection, start, dropout, zeroStart, attachment.withModulesToSave(modules));
    }

    @Override
    public String peftType() {
        return PEFT_TYPE;
    }

    /** With the shared matrices, which are not trained. */
    @Override
    public long parameterCount(ModelSites model) {
        List<LinearSite> sites = sites(model);
        long shared = saveProjection ? (long) r * (mostIn(sites) + mostOut(sites)) : 0;
        return shared
                + attachment.wholeCount(model)
                + sites.stream().mapToLong(s -> (long) r + s.out()).sum();
    }

    @Override
    public Map<String, Object> toJson(ModelSites model) {
        Map<String, Object> json = attachment.toJson(PEFT_TYPE, model, sites(model));
        json.put("r", r);
        json.put("projection_prng_key", key);
        json.put("save_projection", saveProjection);
        json.put("d_initial", start);
        json.put("vera_dropout", dropout);
        json.put("init_weights", zeroStart);
        json.put("fan_in_fan_out", model.fanInFanOut());
        return json;
    }
}
