package dev.peft4j.models;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.autograd.Products;
import dev.peft4j.core.layer.Attention;
import dev.peft4j.core.layer.Attention.Slice;
import dev.peft4j.core.layer.Embedding;
import dev.peft4j.core.layer.Functions;
import dev.peft4j.core.layer.LayerNorm;
import dev.peft4j.core.layer.Linear;
import dev.peft4j.core.layer.Rotary;
import dev.peft4j.core.layer.RotaryAngles;
import dev.peft4j.core.site.BlockSite;
import dev.peft4j.core.site.FamilyTraits;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.core.tensor.Activation;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * ModernBERT: an encoder with a norm in front of each sub-layer, rotated queries and keys, a gate in the feed-forward, and layers in which tokens see their neighbours
 * only.
 *
 * <p>Warner et al. 2024, <a href="https://arxiv.org/abs/2412.13663">paper</a>, section 2.
 */
final class ModernBert extends Encoder {
    static final String PREFIX = "model.";

    private static final int PADDING = 50_283; // token
    private static final double THETA = 160_000;
    private static final double LOCAL_THETA = 10_000;

    private final Dimensions dimensions;
    private final int inner;
    private final boolean normBias;
    private final double eps;
    private final double embeddingDropout;
    private final double gateDropout;
    private final Activation activation;
    private final int window; // tokens to each side, itself among them
    private final boolean[] slides; // of layers
    private final Embedding words; // (V, C)
    private final LayerNorm embeddingNorm;
    private final List<Block> blocks = new ArrayList<>();
    private final LayerNorm finalNorm;
    private final Rotary everywhere;
    private final Rotary nearby;

    private record Block(
            @Nullable LayerNorm attentionNorm, Linear qkv, Linear o, LayerNorm gateNorm, Linear gate, Linear down) {}

    ModernBert(ModelSource source, FamilyTraits traits) throws IOException {
        super(
                source,
                traits,
                source.config().size("max_position_embeddings", 8192),
                source.config().size("vocab_size", 50368));
        ModelConfig config = source.config();
        int width = config.size("hidden_size", 768);
        int heads = config.size("num_attention_heads", 12);
        if (width % heads != 0 || width / heads % 2 != 0) {
            throw config.bad("hidden_size " + width + " must be an even multiple of num_attention_heads " + heads
                    + ". Correct config.json.");
        }
        config.require("head_dim", width / heads);
        int layers = config.size("num_hidden_layers", 22);
        double dropout = config.probability("attention_dropout", 0);
        dimensions = new Dimensions(layers, heads, width / heads, 1 / Math.sqrt((double) width / heads), dropout);
        inner = config.size("intermediate_size", 1152);
        normBias = config.flag("norm_bias", false);
        eps = config.number("norm_eps", 1e-5);
        embeddingDropout = config.probability("embedding_dropout", 0);
        gateDropout = config.probability("mlp_dropout", 0);
        activation = config.activation("hidden_activation", "gelu");
        window = config.size("local_attention", 128) / 2 + 1;
        slides = slides(config, layers);
        boolean attentionBias = config.flag("attention_bias", false);
        boolean gateBias = config.flag("mlp_bias", false);

        String base = source.task() == TaskType.FEATURE_EXTRACTION ? "" : PREFIX;
        words = embedding(base + "embeddings.tok_embeddings", vocabularySize(), width, config.padding(PADDING));
        embeddingNorm = norm(base + "embeddings.norm");
        for (int l = 0; l < layers; l++) {
            String h = base + "layers." + l + ".";
            addBlock(base + "layers." + l, width, width);
            blocks.add(new Block(
                    l == 0 ? null : norm(h + "attn_norm"), // that of the embeddings stands in front of the first
                    linear(h + "attn.Wqkv", width, 3 * width, attentionBias),
                    linear(h + "attn.Wo", width, width, attentionBias),
                    norm(h + "mlp_norm"),
                    linear(h + "mlp.Wi", width, 2 * inner, gateBias),
                    linear(h + "mlp.Wo", inner, width, gateBias)));
        }
        finalNorm = norm(base + "final_norm");
        head(source).read(this, source);
        setLayersElsewhere(List.of(base + "layers.0.attn_norm")); // an identity, at which PEFT stops
        everywhere = own(rotary(config, "full_attention", "global_rope_theta", THETA));
        nearby = own(rotary(config, "sliding_attention", "local_rope_theta", LOCAL_THETA));
    }

    private LayerNorm norm(String name) throws IOException {
        int width = dimensions.width();
        return normBias ? layerNorm(name, width, eps) : layerNormWithoutBias(name, width, eps);
    }

    private static boolean[] slides(ModelConfig config, int layers) throws IOException {
        int every = config.size("global_attn_every_n_layers", 3);
        List<String> types = config.layerTypes(layers);
        boolean[] slides = new boolean[layers];
        for (int l = 0; l < layers; l++) {
            slides[l] = types.isEmpty() ? l % every != 0 : types.get(l).equals("sliding_attention");
        }
        return slides;
    }

    /** Angles of one kind of layers. */
    private Rotary rotary(ModelConfig config, String kind, String older, double theta) throws IOException {
        RotaryAngles angles = RotaryScaling.ofKind(
                config,
                kind,
                config.number(older, theta),
                config.object("rope_scaling"),
                dimensions.headSize(),
                contextLength());
        return new Rotary(backend().dtype(), angles);
    }

    private EncoderHead head(ModelSource source) throws IOException {
        ModelConfig config = source.config();
        TaskType task = source.task();
        if (task == TaskType.MASKED_LM && !config.flag("decoder_bias", true)) {
            throw config.bad(
                    "\"decoder_bias\" is false, and a head for hidden tokens is read with its bias. Use another checkpoint.");
        }
        return new EncoderHead(
                0,
                "head.dense",
                config.flag("classifier_bias", false),
                config.activation("classifier_activation", "gelu"),
                "head.norm",
                normBias,
                eps,
                task == TaskType.MASKED_LM ? 0 : config.probability("classifier_dropout", 0),
                "decoder.bias",
                0,
                source.head().isMean() ? Pooling.MEAN : Pooling.FIRST);
    }

    @Override
    protected Dimensions dimensions() {
        return dimensions;
    }

    @Override
    protected Embedding tokens() {
        return words;
    }

    @Override
    protected int segments() {
        return ANY;
    }

    @Override
    protected Node begin(Call call, Node embedded, Run run) {
        return Functions.dropout(call.pass(), embeddingDropout, embeddingNorm.forward(call, embedded));
    }

    @Override
    protected Node block(Call all, int layer, Node in, Run run, int @Nullable [] kept) {
        Pass pass = all.pass();
        Block b = blocks.get(layer);
        int width = dimensions.width();
        Node normed = b.attentionNorm == null ? in : b.attentionNorm.forward(all, in);
        Node qkv = b.qkv.forward(all, normed); // (T, 3 C)
        Rotary rotary = slides[layer] ? nearby : everywhere;
        int heads = dimensions.heads();
        int[] positions = run.positions();
        int[] starts = run.batch().starts();
        Node q = rotary.forward(pass, Products.columns(pass, qkv, 0, width), heads, positions, starts);
        Node k = rotary.forward(pass, Products.columns(pass, qkv, width, width), heads, positions, starts);
        Slice v = new Slice(qkv, 2 * width, width);
        Call call = some(all, kept);
        Node mixed = some(
                pass,
                Attention.forward(
                        pass, shape(pass, run).withWindow(slides[layer] ? window : 0), Slice.of(q), Slice.of(k), v),
                kept);
        Node a = Functions.dropout(pass, dimensions.dropout(), b.o.forward(call, mixed));
        Node rows = some(pass, in, kept);
        a = call.subLayer(site(layer, BlockSite.Kind.AFTER_ATTENTION), a, rows, Adapter.Norm.NONE);
        Node x = Functions.add(pass, a, rows);
        Node gated = b.gate.forward(call, b.gateNorm.forward(call, x)); // (T, 2 inner)
        Node y = Products.elementwise(
                pass,
                Functions.activation(pass, activation, Products.columns(pass, gated, 0, inner)),
                Products.columns(pass, gated, inner, inner));
        y = b.down.forward(call, Functions.dropout(pass, gateDropout, y));
        y = call.subLayer(site(layer, BlockSite.Kind.AFTER_FEED_FORWARD), y, x, Adapter.Norm.NONE);
        return Functions.add(pass, y, x);
    }

    @Override
    protected Node end(Call call, Node x) {
        return finalNorm.forward(call, x);
    }
}
