package dev.peft4j.prompt;

import dev.peft4j.core.adapter.ConfigFields;
import dev.peft4j.core.adapter.ModelSites;
import dev.peft4j.core.tensor.Activation;
import dev.peft4j.core.tensor.Initial;
import dev.peft4j.core.tensor.Tensor;
import java.util.Map;
import java.util.random.RandomGenerator;

/**
 * Prefix tuning: P trained keys and values in front of those of each layer.
 *
 * <p>Li and Liang 2021, <a href="https://arxiv.org/abs/2101.00190">paper</a>, section 4. Choose it for generation where prompt tuning is too weak. Cost:
 * P · 2 L D parameters, or those of the network while training.
 *
 * @param settings what all methods of this package have
 * @param projection whether a network makes them of vectors of D elements ({@code prefix_projection})
 * @param hidden inner size of the network ({@code encoder_hidden_size}); 0 for D
 * @param zero whether they start at 0 instead of N(0, 1) ({@code init_weights})
 */
public record PrefixTuningConfig(PromptSettings settings, boolean projection, int hidden, boolean zero)
        implements PromptLearning {
    static final String PEFT_TYPE = "PREFIX_TUNING";

    /** Checks the range. */
    public PrefixTuningConfig {
        if (hidden < 0) {
            throw new IllegalArgumentException(
                    "encoder_hidden_size = " + hidden + " was given; it is at least 1, or 0 for that of the model.");
        }
    }

    /** So many random keys and values. */
    public static PrefixTuningConfig of(int virtualTokens) {
        return new PrefixTuningConfig(PromptSettings.of(virtualTokens), false, 0, false);
    }

    /** With a network while training. */
    public PrefixTuningConfig withProjection(int newHidden) {
        return new PrefixTuningConfig(settings, true, newHidden, zero);
    }

    /** Starting at 0. */
    public PrefixTuningConfig withZeros() {
        return new PrefixTuningConfig(settings, projection, hidden, true);
    }

    static PrefixTuningConfig read(Map<String, Object> json) {
        ConfigFields f = new ConfigFields(json);
        boolean zero = f.any("init_weights") != null;
        boolean projection = f.flag("prefix_projection", false);
        int hidden = f.whole("encoder_hidden_size", 0);
        return new PrefixTuningConfig(PromptSettings.read(f), projection, hidden, zero);
    }

    PrefixTuningConfig asFlat() {
        return new PrefixTuningConfig(settings.asFlat(), projection, hidden, zero);
    }

    private int hiddenFor(ModelSites model) {
        return hidden == 0 ? PromptSettings.keyWidth(model) : hidden;
    }

    RowSource source(ModelSites model, RandomGenerator random) {
        settings.check(model);
        int d = PromptSettings.keyWidth(model);
        int columns = 2 * PromptSettings.layers(model) * d;
        if (projection && !settings.flat()) {
            int[] sizes = {d, hiddenFor(model), columns};
            return new RowNetwork(
                    settings.virtualTokens(), sizes, "transform", Activation.TANH, null, model.backend(), random);
        }
        Tensor rows = Tensor.zeros(model.backend().dtype(), settings.virtualTokens(), columns);
        if (!zero) {
            Initial.gaussian(rows, 1, random);
        }
        return new RowTable(rows);
    }

    @Override
    public String peftType() {
        return PEFT_TYPE;
    }

    @Override
    public long parameterCount(ModelSites model) {
        int d = PromptSettings.keyWidth(model);
        long columns = 2L * PromptSettings.layers(model) * d;
        long h = hiddenFor(model);
        long network = (long) settings.virtualTokens() * d + h * (d + 1) + columns * (h + 1);
        boolean made = projection && !settings.flat();
        return (made ? network : settings.virtualTokens() * columns) + settings.wholeCount(model);
    }

    @Override
    public Map<String, Object> toJson(ModelSites model) {
        Map<String, Object> json = settings.toJson(PEFT_TYPE, model, PromptSettings.keyWidth(model), model.keyHeads());
        json.put("prefix_projection", projection);
        json.put("encoder_hidden_size", hiddenFor(model));
        return json;
    }
}
