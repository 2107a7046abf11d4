package dev.peft4j.prompt;

import dev.peft4j.core.adapter.ConfigFields;
import dev.peft4j.core.adapter.NamePattern;
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
 * P-tuning: P rows (P, C) in front of the embedded tokens, made by a network while training.
 *
 * <p>Liu et al. 2021, <a href="https://arxiv.org/abs/2103.10385">paper</a>, section 3. Choose it where prompt tuning does not settle. Cost: those of the
 * network while training, P · C parameters in the file.
 *
 * @param settings what all methods of this package have
 * @param encoder the network ({@code encoder_reparameterization_type})
 * @param hidden its inner size ({@code encoder_hidden_size}); 0 for C
 * @param layers of the LSTM ({@code encoder_num_layers}); the MLP always has two hidden ones
 * @param dropout between the layers of the LSTM
 */
public record PTuningConfig(PromptSettings settings, Encoder encoder, int hidden, int layers, double dropout)
        implements PromptLearning {
    static final String PEFT_TYPE = "P_TUNING";

    /** The networks. */
    public enum Encoder {
        /** Three linear layers with ReLU between them. */
        MLP,
        /** A bidirectional LSTM and two linear layers. */
        LSTM
    }

    /** Checks the ranges. */
    public PTuningConfig {
        if (hidden < 0 || layers < 1) {
            throw new BadInputException("encoder_hidden_size = " + hidden + " and encoder_num_layers = " + layers
                    + " were given; a size is at least 1, or 0 for that of the model, and layers are at least 1.");
        }
        NamePattern.requireProbability("encoder_dropout", dropout);
    }

    /** So many rows behind a network with PEFT's defaults. */
    public static PTuningConfig of(int virtualTokens, Encoder encoder) {
        return new PTuningConfig(PromptSettings.of(virtualTokens), encoder, 0, 2, 0);
    }

    /** With another inner size. */
    public PTuningConfig withHidden(int newHidden) {
        return new PTuningConfig(settings, encoder, newHidden, layers, dropout);
    }

    static PTuningConfig read(Map<String, Object> json) {
        ConfigFields f = new ConfigFields(json);
        Object name = f.has("encoder_reparameterization_type")
                ? f.training("encoder_reparameterization_type", v -> "MLP".equals(v) || "LSTM".equals(v))
                : null;
        int hidden = f.any("encoder_hidden_size") == null ? 0 : f.trainingWhole("encoder_hidden_size", 0, n -> n > 0);
        int layers = f.trainingWhole("encoder_num_layers", 2, n -> n > 0);
        double dropout = f.trainingProbability("encoder_dropout", 0);
        Encoder encoder = "LSTM".equals(name) ? Encoder.LSTM : Encoder.MLP;
        return new PTuningConfig(PromptSettings.read(f), encoder, hidden, layers, dropout);
    }

    PTuningConfig asFlat() {
        return new PTuningConfig(settings.asFlat(), encoder, hidden, layers, dropout);
    }

    private int hiddenFor(TransformerSites model) {
        return hidden == 0 ? model.width() : hidden;
    }

    RowSource source(TransformerSites model, TorchRandom random) {
        settings.check(model);
        settings.requireSize("token_dim", model.width());
        int c = model.width();
        int h = hiddenFor(model);
        Tensor rows = Tensor.allocate(model.backend().dtype(), settings.virtualTokens(), c);
        random.normal(rows);
        if (settings.flat()) {
            return new RowTable(rows);
        }
        if (encoder == Encoder.MLP) {
            int[] sizes = {c, h, h, c};
            return new RowNetwork(rows, sizes, "mlp_head", Activation.RELU, null, model.backend(), random);
        }
        BiLstm lstm = new BiLstm(c, h, layers, dropout, model.backend(), random);
        int[] sizes = {2 * h, 2 * h, c};
        return new RowNetwork(rows, sizes, "mlp_head", Activation.RELU, lstm, model.backend(), random);
    }

    @Override
    public PTuningConfig withModulesToSave(List<String> modules) {
        return new PTuningConfig(settings.withModulesToSave(modules), encoder, hidden, layers, dropout);
    }

    @Override
    public OtherFields otherFields() {
        return settings.otherFields();
    }

    @Override
    public List<String> untrainable(ModelSites base) {
        TransformerSites model = TransformerSites.require(base, peftType());
        return settings.untrainable(model, true);
    }

    @Override
    public String peftType() {
        return PEFT_TYPE;
    }

    @Override
    public long parameterCount(ModelSites base) {
        TransformerSites model = TransformerSites.require(base, peftType());
        long c = model.width();
        long h = hiddenFor(model);
        long rows = settings.virtualTokens() * c + settings.wholeCount(model);
        if (settings.flat()) {
            return rows;
        }
        if (encoder == Encoder.MLP) {
            return rows + h * (c + 1) + h * (h + 1) + c * (h + 1);
        }
        long first = 8 * h * (c + h + 2);
        long others = (layers - 1L) * 8 * h * (3 * h + 2);
        return rows + first + others + 2 * h * (2 * h + 1) + c * (2 * h + 1);
    }

    @Override
    public Map<String, Object> toJson(ModelSites base) {
        TransformerSites model = TransformerSites.require(base, peftType());
        Map<String, Object> json = settings.toJson(PEFT_TYPE, model, model.width(), model.attentionHeads());
        json.put("encoder_reparameterization_type", encoder.name());
        json.put("encoder_hidden_size", hiddenFor(model));
        json.put("encoder_num_layers", layers);
        json.put("encoder_dropout", dropout);
        return json;
    }
}
