package dev.peft4j.prompt;

import dev.peft4j.core.adapter.ConfigFields;
import dev.peft4j.core.adapter.OtherFields;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.site.ModelSites;
import dev.peft4j.core.site.TransformerSites;
import dev.peft4j.core.tensor.Activation;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.core.tensor.TorchRandom;
import java.util.List;
import java.util.Map;

/**
 * Prefix tuning: P trained keys and values in front of those of each layer.
 *
 * <p>Li and Liang 2021, <a href="https://arxiv.org/abs/2101.00190">paper</a>, section 4. Choose it for generation where prompt tuning is too weak. Cost:
 * P · 2 L D parameters, or those of the network while training.
 *
 * @param settings what all methods of this package have
 * @param projection whether a network makes them of vectors of D elements ({@code prefix_projection})
 * @param hidden inner size of the network ({@code encoder_hidden_size}); 0 for D
 * @param init how they start
 * @param tokens of the text that they start from, at least as many as virtual tokens
 */
public record PrefixTuningConfig(
        PromptSettings settings, boolean projection, int hidden, Init init, List<Integer> tokens)
        implements PromptLearning {
    static final String PEFT_TYPE = "PREFIX_TUNING";

    /** How keys and values start. */
    public enum Init {
        /** N(0, 1), or what a new network makes. */
        RANDOM,
        /** 0 ({@code init_weights} "zero"). */
        ZERO,
        /** The keys and values that the base computes for a text, which the model then reads in front of every sequence. */
        TEXT
    }

    /** Checks the range. */
    public PrefixTuningConfig {
        tokens = List.copyOf(tokens);
        if (projection && init == Init.TEXT) {
            throw new BadInputException(
                    "prefix_projection was asked for with the keys and values of a text, which no network gives to begin with."
                            + " Choose one of the two.");
        }
        if (hidden < 0) {
            throw new BadInputException(
                    "encoder_hidden_size = " + hidden + " was given; it is at least 1, or 0 for that of the model.");
        }
    }

    /** So many random keys and values. */
    public static PrefixTuningConfig of(int virtualTokens) {
        return new PrefixTuningConfig(PromptSettings.of(virtualTokens), false, 0, Init.RANDOM, List.of());
    }

    /** With a network while training. */
    public PrefixTuningConfig withProjection(int newHidden) {
        return new PrefixTuningConfig(settings, true, newHidden, init, tokens);
    }

    /** Starting at 0. */
    public PrefixTuningConfig withZeros() {
        return new PrefixTuningConfig(settings, projection, hidden, Init.ZERO, List.of());
    }

    /** Starting at a text; its tokens come from the tokenizer of the model. */
    public PrefixTuningConfig withText(List<Integer> itsTokens) {
        return new PrefixTuningConfig(settings, projection, hidden, Init.TEXT, itsTokens);
    }

    static PrefixTuningConfig read(Map<String, Object> json) {
        ConfigFields f = new ConfigFields(json);
        Init init = "zero".equals(f.any("init_weights")) ? Init.ZERO : Init.RANDOM;
        boolean projection = f.truth("prefix_projection", false);
        int hidden = f.any("encoder_hidden_size") == null ? 0 : f.trainingWhole("encoder_hidden_size", 0, n -> n > 0);
        return new PrefixTuningConfig(PromptSettings.read(f), projection, hidden, init, List.of());
    }

    PrefixTuningConfig asFlat() {
        return new PrefixTuningConfig(settings.asFlat(), projection, hidden, init, tokens);
    }

    private int hiddenFor(TransformerSites model) {
        return hidden == 0 ? PromptSettings.keyWidth(model) : hidden;
    }

    /**
     * Columns of the rows: keys and values of all layers.
     *
     * @throws BadInputException if a file is of a model of other sizes
     */
    int columns(TransformerSites model) {
        settings.requireClassifierOfSequences(model);
        if (!model.traits().groupedKeys()) { // PEFT takes the sizes of the model where heads may share keys
            settings.requireSize("token_dim", PromptSettings.keyWidth(model));
            settings.requireSize("num_attention_heads", model.keyHeads());
        }
        return 2 * settings.layersFor(model) * PromptSettings.keyWidth(model);
    }

    RowSource source(TransformerSites model, TorchRandom random) {
        settings.check(model);
        int d = PromptSettings.keyWidth(model);
        int columns = columns(model);
        if (projection && !settings.flat()) {
            int[] sizes = {d, hiddenFor(model), columns};
            Tensor vectors = Tensor.allocate(model.backend().dtype(), settings.virtualTokens(), d);
            random.normal(vectors);
            RowNetwork network =
                    new RowNetwork(vectors, sizes, "transform", Activation.TANH, null, model.backend(), random);
            if (init == Init.ZERO) {
                network.startAtZero();
            }
            return network;
        }
        Tensor rows = Tensor.zeros(model.backend().dtype(), settings.virtualTokens(), columns);
        if (init == Init.RANDOM) {
            random.normal(rows);
        } else if (init == Init.TEXT && !settings.flat()) {
            try (Tensor all = model.keysAndValues(ofText(model))) {
                rows.copyFrom(all.rows(0, rows.rows()));
            }
        }
        return new RowTable(rows);
    }

    @Override
    public void requireFits(ModelSites base) {
        TransformerSites model = TransformerSites.require(base, peftType());
        PromptLearning.super.requireFits(model);
        requireKeysInFront(model);
        if (init == Init.TEXT) {
            checkText(model);
        }
    }

    /**
     * Refuses families whose models in transformers take no keys in front of a sequence.
     *
     * @throws BadInputException if the model is of one
     */
    void requireKeysInFront(TransformerSites model) {
        if (!model.traits().keysInFront()) {
            throw new BadInputException("the method " + PEFT_TYPE
                    + " was asked for, which puts keys and values in front" + " of a sequence; " + model.modelType()
                    + " models take none. Use prompt tuning, or LoRA.");
        }
    }

    private void checkText(TransformerSites model) {
        PromptSettings.checkText(tokens, model);
        if (tokens.size() < settings.virtualTokens()) {
            throw new BadInputException("a prefix of " + settings.virtualTokens()
                    + " virtual tokens was to start from a text, which has " + tokens.size()
                    + " tokens. Give a longer text, or ask for as many virtual tokens as it has.");
        }
    }

    private int[] ofText(TransformerSites model) {
        checkText(model);
        // later tokens change nothing in a decoder; an encoder reads as much of the text as it can
        return tokens.stream()
                .limit(model.contextLength())
                .mapToInt(Integer::intValue)
                .toArray();
    }

    @Override
    public PrefixTuningConfig withModulesToSave(List<String> modules) {
        return new PrefixTuningConfig(settings.withModulesToSave(modules), projection, hidden, init, tokens);
    }

    @Override
    public OtherFields otherFields() {
        return settings.otherFields();
    }

    @Override
    public List<String> untrainable(ModelSites base) {
        TransformerSites model = TransformerSites.require(base, peftType());
        return settings.untrainable(model, false);
    }

    @Override
    public String peftType() {
        return PEFT_TYPE;
    }

    @Override
    public long parameterCount(ModelSites base) {
        TransformerSites model = TransformerSites.require(base, peftType());
        int d = PromptSettings.keyWidth(model);
        long columns = columns(model);
        long h = hiddenFor(model);
        long network = (long) settings.virtualTokens() * d + h * (d + 1) + columns * (h + 1);
        boolean made = projection && !settings.flat();
        return (made ? network : settings.virtualTokens() * columns) + settings.wholeCount(model);
    }

    @Override
    public Map<String, Object> toJson(ModelSites base) {
        TransformerSites model = TransformerSites.require(base, peftType());
        Map<String, Object> json = settings.toJson(PEFT_TYPE, model, PromptSettings.keyWidth(model), model.keyHeads());
        json.put("num_layers", settings.layersFor(model));
        json.put("prefix_projection", projection);
        json.put("encoder_hidden_size", hiddenFor(model));
        return json;
    }
}
