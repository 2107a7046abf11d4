package dev.peft4j.models;

import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.autograd.Products;
import dev.peft4j.core.layer.Attention.Slice;
import dev.peft4j.core.layer.Functions;
import dev.peft4j.core.layer.Linear;
import dev.peft4j.core.layer.RmsNorm;
import dev.peft4j.core.layer.RotaryAngles;
import dev.peft4j.core.tensor.Activation;
import dev.peft4j.models.GatedDecoder.Gate;
import dev.peft4j.models.GatedDecoder.Heads;
import dev.peft4j.models.GatedDecoder.QueriesKeysValues;
import java.io.IOException;
import java.util.List;

/**
 * What a config makes of a {@link GatedDecoder}: its dimensions, and what its family does in another way than Llama. Each family overrides what differs; what it does
 * not override is Llama's.
 */
class DecoderForm {
    private static final int NO_PADDING = -1;

    private final ModelConfig config;
    private final int context;
    private final int vocabulary;
    private final int width; // C
    private final int inner;
    private final double eps;
    private final boolean tied;
    private final Activation activation;
    private final Biases biases;
    private final Decoder.Dimensions dimensions;

    /** Values of fields that a config leaves out. */
    record Defaults(
            int vocabulary,
            int context,
            int width,
            int inner,
            int layers,
            int heads,
            int keyHeads,
            int headSize,
            double eps,
            boolean tied) {
        static final int AS_MANY = 0; // key heads as heads, or C / N columns of a head
    }

    DecoderForm(ModelConfig config, Defaults d) throws IOException {
        this.config = config;
        activation = activation(config);
        biases = biases(config);
        vocabulary = config.size("vocab_size", d.vocabulary);
        context = config.size("max_position_embeddings", d.context);
        width = config.size("hidden_size", d.width);
        inner = config.size("intermediate_size", d.inner);
        int layers = config.size("num_hidden_layers", d.layers);
        int heads = config.size("num_attention_heads", d.heads);
        int usual = config.fields().containsKey("num_key_value_heads") || d.keyHeads == Defaults.AS_MANY
                ? heads
                : d.keyHeads;
        int keyHeads = config.size("num_key_value_heads", usual);
        int headSize =
                config.size("head_dim", d.headSize == Defaults.AS_MANY ? Math.max(1, width / heads) : d.headSize);
        if (heads % keyHeads != 0 || headSize % 2 != 0) {
            throw config.bad("num_attention_heads " + heads + " must be a multiple of num_key_value_heads " + keyHeads
                    + ", and head_dim " + headSize + " must be even. Correct config.json.");
        }
        eps = config.number("rms_norm_eps", d.eps);
        tied = config.flag("tie_word_embeddings", d.tied);
        double dropout = config.probability("attention_dropout", 0);
        dimensions = new Decoder.Dimensions(layers, heads, keyHeads, headSize, scale(config, headSize), dropout);
    }

    /** What the gate of the feed-forward is passed through. */
    Activation activation(ModelConfig of) throws IOException {
        of.require("hidden_act", "silu", "swish");
        return Activation.SILU;
    }

    /** The factor of the products of queries and keys. */
    double scale(ModelConfig of, int headSize) throws IOException {
        return 1 / Math.sqrt(headSize);
    }

    final ModelConfig config() {
        return config;
    }

    /** {@code max_position_embeddings}. */
    final int context() {
        return context;
    }

    /** Most tokens of a sequence: more than the context where frequencies are stretched beyond it. */
    final int longest() throws IOException {
        return RotaryScaling.context(config, context);
    }

    final int vocabulary() {
        return vocabulary;
    }

    final int width() {
        return width;
    }

    final int inner() {
        return inner;
    }

    final double eps() {
        return eps;
    }

    final boolean isTied() {
        return tied;
    }

    final Decoder.Dimensions dimensions() {
        return dimensions;
    }

    /** Which layers have biases. */
    Biases biases(ModelConfig of) throws IOException {
        return new Biases(
                of.flag("attention_bias", false), of.flag("attention_bias", false), of.flag("mlp_bias", false));
    }

    /**
     * Which layers have biases.
     *
     * @param heads those of queries, keys and values
     * @param output that behind attention
     * @param gate those of the feed-forward
     */
    record Biases(boolean heads, boolean output, boolean gate) {
        static final Biases NONE = new Biases(false, false, false);

        /** Those of attention if the config says so. */
        static Biases ofAttention(ModelConfig config) throws IOException {
            boolean attention = config.flag("attention_bias", false);
            return new Biases(attention, attention, false);
        }
    }

    final boolean hasOutputBias() {
        return biases.output;
    }

    final boolean hasGateBias() {
        return biases.gate;
    }

    /** The token whose row of the table of tokens is not trained by looking it up. */
    int padding() throws IOException {
        return config.padding(NO_PADDING);
    }

    /** What the vectors of tokens are multiplied with. */
    double embeddingFactor() {
        return 1;
    }

    /** What the factors of norms are more than their weights. */
    double normOffset() {
        return 0;
    }

    /** Whether there is a norm behind each sub-layer too. */
    boolean hasOuterNorms() {
        return false;
    }

    /** Cap of the scores of attention; 0 for none. */
    double softCap() {
        return 0;
    }

    /** Cap of the logits of a language model; 0 for none. */
    double logitCap() {
        return 0;
    }

    /** What is dropped of the embedded tokens while training. */
    double embeddingDropout() {
        return 0;
    }

    /** What is dropped behind each sub-layer while training. */
    double residualDropout() {
        return 0;
    }

    /** How many of the latest tokens a token sees in a layer; 0 for all. */
    int window(int layer) {
        return 0;
    }

    /** Whether queries and keys of a layer are rotated. */
    boolean rotates(int layer) {
        return true;
    }

    /** Angles of all rotations that there are. */
    List<RotaryAngles> angles() throws IOException {
        return List.of(RotaryScaling.angles(config, dimensions.headSize(), context));
    }

    /** Which of the rotations a layer has. */
    int rotation(int layer) {
        return 0;
    }

    /** The first layer of a block, which tells best whether weights and config are of one model. */
    String firstLayer() {
        return "q_proj";
    }

    /** Its rows. */
    long firstRows() {
        return (long) dimensions.heads() * dimensions.headSize();
    }

    /** Reads the layers in front of attention. */
    Heads heads(GatedDecoder model, String prefix) throws IOException {
        boolean bias = biases.heads;
        Linear q = model.linear(prefix + "q_proj", width, dimensions.heads() * dimensions.headSize(), bias);
        Linear k = model.linear(prefix + "k_proj", width, dimensions.keyWidth(), bias);
        Linear v = model.linear(prefix + "v_proj", width, dimensions.keyWidth(), bias);
        return (call, x) -> new QueriesKeysValues(q.forward(call, x), k.forward(call, x), Slice.of(v.forward(call, x)));
    }

    /** Layers in front of attention whose queries and keys are normalised head by head. */
    final Heads normalised(GatedDecoder model, String prefix, Heads plain) throws IOException {
        RmsNorm q = model.rmsNorm(prefix + "q_norm", dimensions.headSize(), eps, normOffset());
        RmsNorm k = model.rmsNorm(prefix + "k_norm", dimensions.headSize(), eps, normOffset());
        return (call, x) -> {
            QueriesKeysValues h = plain.of(call, x);
            return new QueriesKeysValues(q.forward(call, h.queries()), k.forward(call, h.keys()), h.values());
        };
    }

    /** Queries, keys and values of one layer, in this order. */
    final Heads fused(GatedDecoder model, String name) throws IOException {
        int queries = dimensions.heads() * dimensions.headSize();
        int keys = dimensions.keyWidth();
        Linear all = model.linear(name, width, queries + 2 * keys, biases.heads);
        return (call, x) -> {
            Pass pass = call.pass();
            Node y = all.forward(call, x); // (T, N·H + 2·keyHeads·H)
            return new QueriesKeysValues(
                    Products.columns(pass, y, 0, queries),
                    Products.columns(pass, y, queries, keys),
                    new Slice(y, queries + keys, keys));
        };
    }

    /** Reads the layers in front of the last one of the feed-forward. */
    Gate gate(GatedDecoder model, String prefix) throws IOException {
        Linear gate = model.linear(prefix + "gate_proj", width, inner, hasGateBias());
        Linear up = model.linear(prefix + "up_proj", width, inner, hasGateBias());
        return (call, x) -> gated(call.pass(), gate.forward(call, x), up.forward(call, x));
    }

    /** f(gate) · up (Shazeer 2020, <a href="https://arxiv.org/abs/2002.05202">paper</a>). */
    final Node gated(Pass pass, Node gate, Node up) {
        return activation == Activation.SILU
                ? Functions.swiGlu(pass, gate, up)
                : Products.elementwise(pass, Functions.activation(pass, activation, gate), up);
    }

    /** Windows of the layers that are named sliding in {@code layer_types}, or by the older fields; 0 for the others. */
    final int[] windows(WindowRule otherwise) throws IOException {
        int[] windows = new int[dimensions.layers()];
        boolean used = config.flag("use_sliding_window", false) && !isNull("sliding_window");
        int size = used ? config.size("sliding_window", 4096) : 0;
        List<String> types = config.layerTypes(windows.length);
        for (int l = 0; l < windows.length; l++) {
            boolean slides =
                    types.isEmpty() ? used && otherwise.slides(l) : types.get(l).equals("sliding_attention");
            if (slides && !used) {
                throw config.bad("\"layer_types\" has sliding_attention, and no sliding window is used"
                        + " (use_sliding_window, sliding_window). Correct config.json.");
            }
            windows[l] = slides ? size : 0;
        }
        return windows;
    }

    /** Windows of the layers from {@code max_window_layers} on, unless {@code layer_types} says it. */
    final int[] upperWindows() throws IOException {
        int first = (int) config.number("max_window_layers", 28);
        return windows(layer -> layer >= first);
    }

    /** Which layers slide where {@code layer_types} does not say it. */
    @FunctionalInterface
    interface WindowRule {
        boolean slides(int layer);
    }

    /** Whether a field is there and null, which is not the same as a missing one. */
    final boolean isNull(String field) {
        return config.fields().containsKey(field) && !config.has(field);
    }
}
