package dev.peft4j.models;

import dev.peft4j.core.tensor.Activation;
import java.io.IOException;
import java.util.List;

/**
 * What Gemma 2 and 3 do in another way than Llama: vectors of tokens times √C, norms in front of and behind each sub-layer whose factors are 1 + weight, GELU in
 * the gate, windows in some layers, and a scale of attention that the config names.
 *
 * <p>Gemma Team 2024, <a href="https://arxiv.org/abs/2408.00118">paper</a>, section 2.
 */
abstract class GemmaForm extends DecoderForm {
    static final List<String> NORMS = List.of(
            "input_layernorm",
            "post_attention_layernorm",
            "pre_feedforward_layernorm",
            "post_feedforward_layernorm",
            "norm");

    private final int window;
    private final List<String> types;
    private final double softCap;
    private final double logitCap;

    /**
     * With the caps of a config.
     *
     * @param scores cap of the scores of attention where the config does not say it; 0 for none
     * @param logits the same of the logits
     */
    GemmaForm(ModelConfig config, Defaults defaults, double scores, double logits) throws IOException {
        super(config, defaults);
        softCap = cap(config, "attn_logit_softcapping", scores);
        logitCap = cap(config, "final_logit_softcapping", logits);
        config.require("use_bidirectional_attention", false);
        window = isNull("sliding_window") ? 0 : config.size("sliding_window", 4096);
        types = config.layerTypes(dimensions().layers());
    }

    /** Whether a layer sees a window only, where the config does not say it. */
    abstract boolean slidesByDefault(int layer);

    final boolean slides(int layer) {
        return types.isEmpty() ? slidesByDefault(layer) : types.get(layer).equals("sliding_attention");
    }

    @Override
    final Activation activation(ModelConfig of) throws IOException {
        return of.activation("hidden_activation", "gelu_pytorch_tanh");
    }

    @Override
    final double scale(ModelConfig of, int headSize) throws IOException {
        return 1 / Math.sqrt(of.size("query_pre_attn_scalar", 256));
    }

    @Override
    final Biases biases(ModelConfig of) throws IOException {
        return Biases.ofAttention(of);
    }

    @Override
    final double softCap() {
        return softCap;
    }

    @Override
    final double logitCap() {
        return logitCap;
    }

    @Override
    final double embeddingFactor() {
        return Math.sqrt(width());
    }

    @Override
    final double normOffset() {
        return 1;
    }

    @Override
    final boolean hasOuterNorms() {
        return true;
    }

    @Override
    final int window(int layer) {
        return slides(layer) ? window : 0;
    }

    /** A cap of the config; 0 for none. */
    @Override
    final int padding() throws IOException {
        return config().padding(0);
    }

    private static double cap(ModelConfig config, String field, double otherwise) throws IOException {
        double cap = config.fields().containsKey(field) ? config.number(field, 0) : otherwise;
        if (cap < 0) {
            throw config.bad(
                    "\"" + field + "\" is " + cap + " where a number above 0 was expected. Correct config.json.");
        }
        return cap;
    }
}
