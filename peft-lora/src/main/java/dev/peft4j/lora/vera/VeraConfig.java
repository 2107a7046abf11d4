package dev.peft4j.lora.vera;

import dev.peft4j.core.adapter.Attachment;
import dev.peft4j.core.adapter.ConfigFields;
import dev.peft4j.core.adapter.NamePattern;
import dev.peft4j.core.adapter.OtherFields;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.site.LinearSite;
import dev.peft4j.core.site.ModelSites;
import java.math.BigInteger;
import java.util.Collection;
import java.util.EnumSet;
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
        f.ignore("fan_in_fan_out"); // follows from the model
        if (!"none".equals(f.any("bias")) && f.has("bias")) {
            f.noteUnusable("bias");
        }
        return new VeraConfig(
                f.whole("r", 256),
                key(f),
                savesProjection(f),
                f.trainingNumber("d_initial", 0.1, Double::isFinite),
                f.trainingProbability("vera_dropout", 0),
                f.truth("init_weights", true),
                Attachment.read(f, EnumSet.of(Attachment.Choice.BLOCKS)));
    }

    private static boolean savesProjection(ConfigFields f) {
        Object value = f.any("save_projection");
        if (value instanceof Collection || value instanceof Map) {
            throw ConfigFields.wrong("save_projection", value, "true or false");
        }
        return f.truth("save_projection", true);
    }

    /** A seed of 64 bits, with or without a sign. */
    private static long key(ConfigFields f) {
        Object value = f.any("projection_prng_key");
        if (!f.has("projection_prng_key")) {
            return 0;
        }
        if (value instanceof Integer || value instanceof Long || value instanceof BigInteger) {
            BigInteger key = new BigInteger(value.toString());
            if (key.bitLength() <= Long.SIZE - 1 || (key.signum() > 0 && key.bitLength() == Long.SIZE)) {
                return key.longValue();
            }
        }
        throw ConfigFields.wrong("projection_prng_key", value, "a whole number of at most 64 bits");
    }

    List<LinearSite> sites(ModelSites model) {
        List<LinearSite> sites = attachment.sites(model);
        if (sites.isEmpty()) {
            throw new BadInputException("target_modules is " + Attachment.NOTHING
                    + ", and the shared matrices of VeRA have the size of the largest of its layers, of which there are"
                    + " none. Name at least one.");
        }
        return sites;
    }

    @Override
    public OtherFields otherFields() {
        return attachment.otherFields();
    }

    @Override
    public List<String> untrainable(ModelSites model) {
        return attachment.untrainable(model);
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
        json.put("fan_in_fan_out", model.traits().fanInFanOut());
        return json;
    }
}
