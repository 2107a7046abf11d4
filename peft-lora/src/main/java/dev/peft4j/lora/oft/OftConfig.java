package dev.peft4j.lora.oft;

import dev.peft4j.core.adapter.Attachment;
import dev.peft4j.core.adapter.ConfigFields;
import dev.peft4j.core.adapter.NamePattern;
import dev.peft4j.core.adapter.OtherFields;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.site.EmbeddingSite;
import dev.peft4j.core.site.LinearSite;
import dev.peft4j.core.site.ModelSites;
import dev.peft4j.core.site.Site;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * What OFT attaches.
 *
 * @param r number of blocks of a layer; 0 where the size of a block is given
 * @param blockSize input features of a block ({@code oft_block_size}); 0 where their number is given
 * @param neumannTerms terms of the series that takes the place of the inverse; 0 for the exact Cayley transform
 * @param blockShare whether all blocks of a layer are one
 * @param constraint longest skew-symmetric matrix of a constrained OFT ({@code coft}, {@code eps}), {@link Double#MIN_VALUE} where none may rotate; 0 for
 *     no constraint
 * @param moduleDropout share of the blocks that do not rotate while training
 * @param zeroStart whether a new adapter changes nothing ({@code init_weights})
 * @param attachment the layers, and the modules that are trained whole
 */
public record OftConfig(
        int r,
        int blockSize,
        int neumannTerms,
        boolean blockShare,
        double constraint,
        double moduleDropout,
        boolean zeroStart,
        Attachment attachment)
        implements PeftConfig {
    static final String PEFT_TYPE = "OFT";
    private static final double USUAL_CONSTRAINT = 6e-5;
    private static final int USUAL_TERMS = 5;
    private static final int MOST_TERMS = 1000; // more cost time and change nothing
    private static final Pattern VERSION = Pattern.compile(
            "\\s*v?(\\d+!)?\\d+(\\.\\d+)*([-_.]?(a|b|c|rc|alpha|beta|pre|preview)[-_.]?\\d*)?"
                    + "(-\\d+|[-_.]?(post|rev|r)[-_.]?\\d*)?([-_.]?dev[-_.]?\\d*)?(\\+[a-z0-9]+([-_.][a-z0-9]+)*)?\\s*",
            Pattern.CASE_INSENSITIVE);

    /** Checks the ranges. */
    public OftConfig {
        if (r < 0 || blockSize < 0 || (r == 0) == (blockSize == 0)) {
            throw new BadInputException("r = " + r + " and oft_block_size = " + blockSize
                    + " were given; one of them is 0, the other at least 1. A block size of 32 is usual.");
        }
        if (neumannTerms < 0 || neumannTerms > MOST_TERMS) {
            throw new BadInputException("num_cayley_neumann_terms = " + neumannTerms
                    + " was given; it is at least 1 and at most " + MOST_TERMS
                    + ", or 0 for the exact transform. 5 is usual.");
        }
        if (!(constraint >= 0)) {
            throw new BadInputException(
                    "eps = " + constraint + " was given; it is above 0, or 0 for no constraint. 6e-5 is usual.");
        }
        NamePattern.requireProbability("module_dropout", moduleDropout);
    }

    /** Blocks of a size, on some layers, with PEFT's defaults. */
    public static OftConfig of(int blockSize, Attachment attachment) {
        return new OftConfig(0, blockSize, USUAL_TERMS, false, 0, 0, true, attachment);
    }

    /** With the exact Cayley transform. */
    public OftConfig withExactCayley() {
        return new OftConfig(r, blockSize, 0, blockShare, constraint, moduleDropout, zeroStart, attachment);
    }

    /** With one block for all of a layer. */
    public OftConfig withBlockShare() {
        return new OftConfig(r, blockSize, neumannTerms, true, constraint, moduleDropout, zeroStart, attachment);
    }

    static OftConfig read(Map<String, Object> json) {
        ConfigFields f = new ConfigFields(json);
        f.ignore("fan_in_fan_out"); // follows from the model
        if (!f.has("oft_block_size")) {
            throw new BadInputException("\"oft_block_size\" is missing, as in files of PEFT before 0.14, whose OFT was"
                    + " another one. Train the adapter again with a newer PEFT.");
        }
        if (!"none".equals(f.any("bias")) && f.has("bias")) {
            f.noteUnusable("bias");
        }
        f.training("init_weights", v -> v instanceof Boolean);
        return new OftConfig(
                f.whole("r", 0),
                f.whole("oft_block_size", 32),
                terms(f),
                f.truth("block_share", false),
                f.truth("coft", false) ? constraint(f.number("eps", USUAL_CONSTRAINT)) : 0,
                f.trainingProbability("module_dropout", 0),
                !Boolean.FALSE.equals(f.any("init_weights")),
                Attachment.read(f, EnumSet.of(Attachment.Choice.EXCLUDED, Attachment.Choice.BLOCKS)));
    }

    private static double constraint(double eps) {
        return eps == 0 ? Double.MIN_VALUE : eps;
    }

    /** Terms of the series, 0 for none: with 1 or less nothing rotates, and PEFT looks at the version of a file that names the series. */
    private static int terms(ConfigFields f) {
        boolean series = f.truth("use_cayley_neumann", true);
        Object version = f.any("peft_version");
        if (series && f.has("use_cayley_neumann") && f.has("peft_version")) {
            String text = version instanceof String s ? s.split("@", 2)[0] : "";
            if (text.length() > 100 || !VERSION.matcher(text).matches()) {
                throw ConfigFields.wrong("peft_version", version, "a version such as 0.18.0");
            }
        }
        if (!series) {
            f.ignore("num_cayley_neumann_terms");
            return 0;
        }
        double terms = f.number("num_cayley_neumann_terms", USUAL_TERMS);
        if (terms > 2 && (terms != Math.rint(terms) || f.any("num_cayley_neumann_terms") instanceof Double)) {
            throw ConfigFields.wrong("num_cayley_neumann_terms", terms, "a whole number");
        }
        return (int) Math.max(1, Math.min(Math.ceil(terms), MOST_TERMS + 1));
    }

    /** The size of the blocks of a layer: the nearest to what was asked for that divides its input. */
    int blockSize(Site site) {
        int size = blockSize > 0
                ? nearestDivisor(features(site), blockSize)
                : features(site) / nearestDivisor(features(site), r);
        if (size < 2 && !attachment.read()) {
            throw new BadInputException("OFT with " + (blockSize > 0 ? "oft_block_size " + blockSize : "r " + r)
                    + " gives blocks of one feature at " + site.name() + " (" + features(site)
                    + " features), which cannot rotate. Use larger blocks.");
        }
        return size;
    }

    /** The divisor of n that is nearest to a number; of two, the smaller one; n if the number is not below it. */
    static int nearestDivisor(int n, int wanted) {
        if (wanted >= n) {
            return n;
        }
        int higher = wanted;
        while (n % higher != 0) {
            higher++;
        }
        int lower = wanted;
        while (n % lower != 0) {
            lower--;
        }
        return wanted - lower <= higher - wanted ? lower : higher;
    }

    /** Blocks of a layer that are trained. */
    int blocks(Site site) {
        return blockShare ? 1 : features(site) / blockSize(site);
    }

    List<Site> sites(ModelSites model) {
        return attachment.sitesWithEmbeddings(model);
    }

    /** Features that are rotated: those of the input of a layer, or of the vectors of a table. */
    static int features(Site site) {
        return site instanceof LinearSite l ? l.in() : ((EmbeddingSite) site).width();
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
    public OftConfig withModulesToSave(List<String> modules) {
        return new OftConfig(
                r,
                blockSize,
                neumannTerms,
                blockShare,
                constraint,
                moduleDropout,
                zeroStart,
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
                        .mapToLong(s -> (long) blocks(s) * blockSize(s) * (blockSize(s) - 1) / 2)
                        .sum();
    }

    @Override
    public Map<String, Object> toJson(ModelSites model) {
        Map<String, Object> json = attachment.toJson(PEFT_TYPE, model, sites(model));
        json.put("r", r);
        json.put("oft_block_size", blockSize);
        json.put("use_cayley_neumann", neumannTerms > 0);
        json.put("num_cayley_neumann_terms", neumannTerms > 0 ? neumannTerms : USUAL_TERMS);
        json.put("block_share", blockShare);
        json.put("coft", constraint > 0);
        json.put("eps", constraint == Double.MIN_VALUE ? 0 : constraint > 0 ? constraint : USUAL_CONSTRAINT);
        json.put("module_dropout", moduleDropout);
        json.put("init_weights", zeroStart);
        return json;
    }
}
