package dev.peft4j.adapters.bottleneck;

import dev.peft4j.core.adapter.Attachment;
import dev.peft4j.core.adapter.BlockSite;
import dev.peft4j.core.adapter.ModelSites;
import dev.peft4j.core.adapter.NamePattern;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.tensor.Activation;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Where bottleneck adapters are and how wide they are; the fields are those of AdapterHub's {@code BnConfig}.
 *
 * @param afterAttention behind (or beside) attention ({@code mh_adapter})
 * @param afterFeedForward behind (or beside) the feed-forward ({@code output_adapter})
 * @param parallel whether it reads the input of the sub-layer instead of its output ({@code is_parallel})
 * @param normBefore whether it reads the output behind the residual connection and its norm ({@code original_ln_before})
 * @param reductionFactor hidden size over bottleneck
 * @param nonLinearity between the two layers
 * @param scaling factor of what it adds
 * @param init how it starts
 * @param leaveOut numbers of blocks without one
 * @param name of the adapter, which is a part of the names of its tensors
 * @param modulesToSave modules that are trained whole, in a file of their own; null for those that the task needs
 */
public record BottleneckConfig(
        boolean afterAttention,
        boolean afterFeedForward,
        boolean parallel,
        boolean normBefore,
        double reductionFactor,
        Activation nonLinearity,
        double scaling,
        Init init,
        List<Integer> leaveOut,
        String name,
        @Nullable List<String> modulesToSave)
        implements PeftConfig {
    static final String PEFT_TYPE = "BOTTLENECK";
    private static final String NAME = "adapter";

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
        leaveOut = List.copyOf(leaveOut);
        modulesToSave = modulesToSave == null ? null : List.copyOf(modulesToSave);
        if (!afterAttention && !afterFeedForward) {
            throw new IllegalArgumentException(
                    "mh_adapter and output_adapter are both off; an adapter has to be somewhere. Turn one on.");
        }
        if (!(reductionFactor > 0) || !Double.isFinite(reductionFactor)) {
            throw new IllegalArgumentException(
                    "reduction_factor = " + reductionFactor + " was given; it is above 0. 16 is usual.");
        }
        NamePattern.requireFinite("scaling", scaling);
        if (!name.matches("[A-Za-z0-9_-]{1,200}")) {
            throw new IllegalArgumentException("an adapter was to be named \"" + name
                    + "\"; a name has letters, digits, _ and - only. Choose another name.");
        }
    }

    private static BottleneckConfig of(
            boolean attention, boolean parallel, boolean norm, double factor, Activation f, double scaling, Init init) {
        return new BottleneckConfig(attention, true, parallel, norm, factor, f, scaling, init, List.of(), NAME, null);
    }

    /** Behind the feed-forward (Pfeiffer et al. 2021): {@code seq_bn}. */
    public static BottleneckConfig pfeiffer(double reductionFactor) {
        return of(false, false, true, reductionFactor, Activation.RELU, 1, Init.BERT);
    }

    /** Behind attention and feed-forward (Houlsby et al. 2019): {@code double_seq_bn}. */
    public static BottleneckConfig houlsby(double reductionFactor) {
        return of(true, false, false, reductionFactor, Activation.SILU, 1, Init.BERT);
    }

    /** Beside the feed-forward (He et al. 2022): {@code par_bn}. */
    public static BottleneckConfig parallel(double reductionFactor, double scaling) {
        return of(false, true, true, reductionFactor, Activation.RELU, scaling, Init.MAM_ADAPTER);
    }

    private BottleneckConfig with(Init newInit, @Nullable List<String> modules) {
        return new BottleneckConfig(
                afterAttention,
                afterFeedForward,
                parallel,
                normBefore,
                reductionFactor,
                nonLinearity,
                scaling,
                newInit,
                leaveOut,
                name,
                modules);
    }

    /** With other first values. */
    public BottleneckConfig withInit(Init newInit) {
        return with(newInit, modulesToSave);
    }

    /** With other modules trained whole. */
    public BottleneckConfig withModulesToSave(List<String> modules) {
        return with(init, modules);
    }

    /**
     * The places of a model.
     *
     * @throws IllegalArgumentException if there are none, or the bottleneck would have no units
     */
    List<BlockSite> sites(ModelSites model) {
        List<BlockSite> sites = new ArrayList<>();
        for (BlockSite s : model.blockSites()) {
            boolean here =
                    switch (s.kind()) {
                        case AFTER_ATTENTION -> afterAttention;
                        case AFTER_FEED_FORWARD -> afterFeedForward;
                        case KEYS_AND_VALUES -> false;
                    };
            if (here && !leaveOut.contains(s.layer())) {
                sites.add(s);
            }
        }
        if (sites.isEmpty()) {
            throw new IllegalArgumentException("bottleneck adapters were asked for, and this " + model.modelType()
                    + " model has no place for them: blocks " + leaveOut + " of "
                    + model.blockSites().size() / 3 + " are left out. LoRA and the methods that act at layers fit it.");
        }
        if (size(model) < 1) {
            throw new IllegalArgumentException("reduction_factor = " + reductionFactor + " leaves no unit of "
                    + model.width() + " features. Use one of at most " + model.width() + ".");
        }
        return sites;
    }

    /** D: units of the bottleneck. */
    int size(ModelSites model) {
        return (int) (model.width() / reductionFactor);
    }

    List<String> wholeModules(ModelSites model) {
        return modulesToSave == null ? model.taskModules() : modulesToSave;
    }

    @Override
    public String peftType() {
        return PEFT_TYPE;
    }

    @Override
    public long parameterCount(ModelSites model) {
        long d = size(model);
        long c = model.width();
        long whole = new Attachment(null, modulesToSave, Map.of()).wholeCount(model);
        return sites(model).size() * (2 * d * c + d + c) + whole;
    }

    @Override
    public Map<String, Object> toJson(ModelSites model) {
        return BottleneckJson.write(this, model);
    }
}
