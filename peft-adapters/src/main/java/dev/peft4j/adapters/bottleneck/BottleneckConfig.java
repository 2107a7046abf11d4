package dev.peft4j.adapters.bottleneck;

import dev.peft4j.core.adapter.NamePattern;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.adapter.WholeModules;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.site.BlockSite;
import dev.peft4j.core.site.ModelSites;
import dev.peft4j.core.site.TransformerSites;
import dev.peft4j.core.tensor.Activation;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Where bottleneck adapters are and what they compute; the fields are those of AdapterHub's {@code BnConfig}.
 *
 * @param placement where they are and what they read
 * @param reductionFactor hidden size over bottleneck
 * @param nonLinearity between the two layers
 * @param scaling factor of what it adds
 * @param dropout of what it adds, while training
 * @param norm a layer norm of its own behind the bottleneck ({@code ln_after}, {@code adapter_residual_before_ln})
 * @param init how it starts
 * @param name of the adapter, which is a part of the names of its tensors
 * @param modulesToSave modules that are trained whole, in a file of their own; null for those that the task needs
 */
public record BottleneckConfig(
        BottleneckPlacement placement,
        ReductionFactor reductionFactor,
        Activation nonLinearity,
        Scaling scaling,
        double dropout,
        Norm norm,
        Init init,
        String name,
        @Nullable List<String> modulesToSave)
        implements PeftConfig {
    static final String PEFT_TYPE = "BOTTLENECK";
    private static final String NAME = "adapter";

    /** A layer norm of its own behind the bottleneck. */
    public enum Norm {
        /** There is none. */
        NONE,
        /** In front of the residual connection around the bottleneck. */
        BEFORE_RESIDUAL,
        /** Behind it. */
        AFTER_RESIDUAL
    }

    /** How an adapter starts. */
    public enum Init {
        /** N(0, 0.02²), biases 0. */
        BERT,
        /** The second layer 0, so that a new adapter changes nothing. */
        MAM_ADAPTER,
        /** N(0, 0.01²), cut at two deviations: nearly nothing. */
        HOULSBY
    }

    /** Checks the ranges. */
    public BottleneckConfig {
        modulesToSave = modulesToSave == null ? null : List.copyOf(modulesToSave);
        NamePattern.requireProbability("dropout", dropout);
        if (norm == Norm.AFTER_RESIDUAL && placement.parallel()) {
            throw new BadInputException(
                    "adapter_residual_before_ln was given with is_parallel, which has no residual connection of its own."
                            + " Leave one of them out.");
        }
        if (!name.matches("[A-Za-z0-9_-]{1,200}")) {
            throw new BadInputException("an adapter was to be named \"" + name
                    + "\"; a name has letters, digits, _ and - only. Choose another name.");
        }
    }

    private static BottleneckConfig of(
            BottleneckPlacement placement, double factor, Activation f, double scaling, Init init) {
        return new BottleneckConfig(
                placement, ReductionFactor.of(factor), f, Scaling.of(scaling), 0, Norm.NONE, init, NAME, null);
    }

    /** Behind the feed-forward (Pfeiffer et al. 2021): {@code seq_bn}. */
    public static BottleneckConfig pfeiffer(double reductionFactor) {
        return of(BottleneckPlacement.of(false, false, true), reductionFactor, Activation.RELU, 1, Init.BERT);
    }

    /** Behind attention and feed-forward (Houlsby et al. 2019): {@code double_seq_bn}. */
    public static BottleneckConfig houlsby(double reductionFactor) {
        return of(BottleneckPlacement.of(true, false, false), reductionFactor, Activation.SILU, 1, Init.BERT);
    }

    /** Beside the feed-forward (He et al. 2022): {@code par_bn}. */
    public static BottleneckConfig parallel(double reductionFactor, double scaling) {
        BottleneckPlacement beside = BottleneckPlacement.of(false, true, true);
        return of(beside, reductionFactor, Activation.RELU, scaling, Init.MAM_ADAPTER);
    }

    /** With other first values. */
    public BottleneckConfig withInit(Init newInit) {
        return new BottleneckConfig(
                placement, reductionFactor, nonLinearity, scaling, dropout, norm, newInit, name, modulesToSave);
    }

    /** With another factor. */
    public BottleneckConfig withScaling(Scaling newScaling) {
        return new BottleneckConfig(
                placement, reductionFactor, nonLinearity, newScaling, dropout, norm, init, name, modulesToSave);
    }

    /** With a norm of its own. */
    public BottleneckConfig withNorm(Norm newNorm) {
        return new BottleneckConfig(
                placement, reductionFactor, nonLinearity, scaling, dropout, newNorm, init, name, modulesToSave);
    }

    @Override
    public BottleneckConfig withModulesToSave(List<String> modules) {
        return new BottleneckConfig(
                placement, reductionFactor, nonLinearity, scaling, dropout, norm, init, name, modules);
    }

    /**
     * The places of a model.
     *
     * @throws BadInputException if there are none, or a bottleneck would have no units
     */
    List<BlockSite> sites(TransformerSites model) {
        List<BlockSite> sites = new ArrayList<>();
        for (BlockSite s : model.blockSites()) {
            boolean here =
                    switch (s.kind()) {
                        case AFTER_ATTENTION -> placement.afterAttention();
                        case AFTER_FEED_FORWARD -> placement.afterFeedForward();
                        case KEYS_AND_VALUES -> false;
                    };
            if (here && !placement.leaveOut().contains(s.layer())) {
                sites.add(s);
            }
        }
        if (sites.isEmpty()) {
            throw new BadInputException("bottleneck adapters were asked for, and this " + model.modelType()
                    + " model has no place for them: blocks " + placement.leaveOut() + " of "
                    + model.blockSites().size() / 3 + " are left out. LoRA and the methods that act at layers fit it.");
        }
        sites.forEach(this::units);
        return sites;
    }

    /** D: units of the bottleneck at a place. */
    int units(BlockSite site) {
        return reductionFactor.units(site.width(), site.layer());
    }

    WholeModules whole(TransformerSites model) {
        return new WholeModules(modulesToSave == null ? model.taskModules() : modulesToSave, false);
    }

    @Override
    public String peftType() {
        return PEFT_TYPE;
    }

    @Override
    public long parameterCount(ModelSites base) {
        TransformerSites model = TransformerSites.require(base, peftType());
        long count = whole(model).count(model);
        for (BlockSite s : sites(model)) {
            long d = units(s);
            long c = s.width();
            count += 2 * d * c + d + c + scaling.parameters(s.width()) + (norm == Norm.NONE ? 0 : 2 * c);
        }
        return count;
    }

    @Override
    public Map<String, Object> toJson(ModelSites base) {
        TransformerSites model = TransformerSites.require(base, peftType());
        return BottleneckJson.write(this, model);
    }
}
