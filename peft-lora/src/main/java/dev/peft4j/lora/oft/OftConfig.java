package dev.peft4j.lora.oft;

import dev.peft4j.core.adapter.Attachment;
import dev.peft4j.core.adapter.ConfigFields;
import dev.peft4j.core.adapter.LinearSite;
import dev.peft4j.core.adapter.ModelSites;
import dev.peft4j.core.adapter.NamePattern;
import dev.peft4j.core.adapter.PeftConfig;
import java.util.List;
import java.util.Map;

/**
 * What OFT attaches.
 *
 * @param r number of blocks of a layer; 0 where the size of a block is given
 * @param blockSize input features of a block ({@code oft_block_size}); 0 where their number is given
 * @param neumannTerms terms of the series that takes the place of the inverse; 0 for the exact Cayley transform
 * @param blockShare whether all blocks of a layer are one
 * @param constraint longest skew-symmetric matrix of a constrained OFT ({@code coft}, {@code eps}); 0 for none
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

    /** Checks the ranges. */
    public OftConfig {
        if (r < 0 || blockSize < 0 || (r == 0) == (blockSize == 0)) {
            throw new IllegalArgumentException("r = " + r + " and oft_block_size = " + blockSize
                    + " were given; one of them is 0, the other at least 1. A block size of 32 is usual.");
        }
        if (neumannTerms < 0) {
            throw new IllegalArgumentException("num_cayley_neumann_terms = " + neumannTerms
                    + " was given; it is at least 1, or 0 for the exact transform. 5 is usual.");
        }
        if (!(constraint >= 0)) {
            throw new IllegalArgumentException(
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
        int terms = f.whole("num_cayley_neumann_terms", USUAL_TERMS);
        double eps = f.number("eps", USUAL_CONSTRAINT);
        return new OftConfig(
                f.whole("r", 0),
                f.whole("oft_block_size", 32),
                f.flag("use_cayley_neumann", true) ? terms : 0,
                f.flag("block_share", false),
                f.flag("coft", false) ? eps : 0,
                f.number("module_dropout", 0),
                f.flag("init_weights", true),
                Attachment.read(f));
    }

    /** The size of the blocks of a layer: the nearest to what was asked for that divides its input. */
    int blockSize(LinearSite site) {
        int size = blockSize > 0 ? nearestDivisor(site.in(), blockSize) : site.in() / nearestDivisor(site.in(), r);
        if (size < 2) {
            throw new IllegalArgumentException("OFT with " + (blockSize > 0 ? "oft_block_size " + blockSize : "r " + r)
                    + " gives blocks of one feature at " + site.name() + " (" + site.in()
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
    int blocks(LinearSite site) {
        return blockShare ? 1 : site.in() / blockSize(site);
    }

    List<LinearSite> sites(ModelSites model) {
        return attachment.sites(model);
    }

    @Override
    public List<String> unmatched(ModelSites model) {
        return attachment.unmatched(model);
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
        json.put("eps", constraint > 0 ? constraint : USUAL_CONSTRAINT);
        json.put("module_dropout", moduleDropout);
        json.put("init_weights", zeroStart);
        return json;
    }
}
