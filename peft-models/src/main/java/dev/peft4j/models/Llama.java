package dev.peft4j.models;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.layer.Attention.Slice;
import dev.peft4j.core.layer.Embedding;
import dev.peft4j.core.layer.Functions;
import dev.peft4j.core.layer.Linear;
import dev.peft4j.core.layer.RmsNorm;
import dev.peft4j.core.layer.Rotary;
import dev.peft4j.core.site.BlockSite;
import dev.peft4j.core.site.FamilyTraits;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Llama: a decoder with rotary positions, RMS norm in front of each sub-layer, grouped key and value heads, and a gated feed-forward.
 *
 * <p>Touvron et al. 2023, <a href="https://arxiv.org/abs/2302.13971">paper</a>, section 2.2; grouped heads as in Llama 2, the scaled
 * frequencies as in Llama 3.
 */
final class Llama extends Decoder {
    private final Dimensions dimensions;
    private final int width; // C
    private final Rotary rotary;
    private final Embedding tokens; // (V, C)
    private final List<Block> blocks = new ArrayList<>();
    private final RmsNorm finalNorm;

    private record Block(
            RmsNorm norm1,
            Linear q,
            Linear k,
            Linear v,
            Linear o,
            RmsNorm norm2,
            Linear gate,
            Linear up,
            Linear down) {}

    Llama(ModelSource source, FamilyTraits traits) throws IOException {
        super(
                source,
                traits,
                source.config().size("max_position_embeddings", 2048),
                source.config().size("vocab_size", 32000));
        ModelConfig config = source.config();
        config.require("hidden_act", "silu", "swish");
        width = config.size("hidden_size", 4096);
        int inner = config.size("intermediate_size", 11008);
        int layers = config.size("num_hidden_layers", 32);
        int heads = config.size("num_attention_heads", 32);
        int keyHeads = config.size("num_key_value_heads", heads);
        int headSize = config.size("head_dim", Math.max(1, width / heads));
        if (heads % keyHeads != 0 || headSize % 2 != 0) {
            throw config.bad("num_attention_heads " + heads + " must be a multiple of num_key_value_heads " + keyHeads
                    + ", and head_dim " + headSize + " must be even. Correct config.json.");
        }
        double eps = config.number("rms_norm_eps", 1e-6);
        double attentionDropout = config.probability("attention_dropout", 0);
        dimensions = new Dimensions(layers, heads, keyHeads, headSize, 1 / Math.sqrt(headSize), attentionDropout);
        boolean attentionBias = config.flag("attention_bias", false);
        boolean mlpBias = config.flag("mlp_bias", false);

        weights().requireMatrix("model.layers.0.self_attn.q_proj.weight", (long) heads * headSize, width);
        float[] frequencies = rotaryFrequencies(config, headSize);
        tokens = embedding("model.embed_tokens", vocabularySize(), width);
        for (int l = 0; l < layers; l++) {
            String h = "model.layers." + l + ".";
            addBlock("model.layers." + l, dimensions.keyWidth(), width);
            blocks.add(new Block(
                    rmsNorm(h + "input_layernorm", width, eps),
                    linear(h + "self_attn.q_proj", width, heads * headSize, attentionBias),
                    linear(h + "self_attn.k_proj", width, keyHeads * headSize, attentionBias),
                    linear(h + "self_attn.v_proj", width, keyHeads * headSize, attentionBias),
                    linear(h + "self_attn.o_proj", heads * headSize, width, attentionBias),
                    rmsNorm(h + "post_attention_layernorm", width, eps),
                    linear(h + "mlp.gate_proj", width, inner, mlpBias),
                    linear(h + "mlp.up_proj", width, inner, mlpBias),
                    linear(h + "mlp.down_proj", inner, width, mlpBias)));
        }
        finalNorm = rmsNorm("model.norm", width, eps);
        readHead(source, config.flag("tie_word_embeddings", false));
        rotary = own(new Rotary(backend().dtype(), frequencies));
    }

    @Override
    protected Node begin(Call call, Node embedded, int[] positions) {
        return embedded;
    }

    @Override
    protected Node block(Call all, int layer, Node in, Run run, int @Nullable [] kept) {
        Pass pass = all.pass();
        Block b = blocks.get(layer);
        Node n = b.norm1.forward(all, in);
        Node q = rotary.forward(pass, b.q.forward(all, n), dimensions.heads(), run.positions()); // (T, N·H)
        Node k = rotary.forward(pass, b.k.forward(all, n), dimensions.keyHeads(), run.positions()); // (T, keyHeads·H)
        Node v = b.v.forward(all, n); // (T, keyHeads·H)
        BlockSite keys = site(layer, BlockSite.Kind.KEYS_AND_VALUES);
        Node mixed = attention(all, keys, run, Slice.of(q), Slice.of(k), Slice.of(v)); // (T, N·H)
        Call call = some(all, kept);
        Node x = some(pass, in, kept);
        Node a = b.o.forward(call, some(pass, mixed, kept));
        a = call.subLayer(site(layer, BlockSite.Kind.AFTER_ATTENTION), a, x, Adapter.Norm.NONE);
        Node y = Functions.add(pass, a, x);
        Node m = b.norm2.forward(call, y);
        Node gated = Functions.swiGlu(pass, b.gate.forward(call, m), b.up.forward(call, m)); // (T, inner)
        Node z = call.subLayer(
                site(layer, BlockSite.Kind.AFTER_FEED_FORWARD), b.down.forward(call, gated), y, Adapter.Norm.NONE);
        return Functions.add(pass, z, y);
    }

    @Override
    protected Node end(Call call, Node x) {
        return finalNorm.forward(call, x);
    }

    @Override
    protected Dimensions dimensions() {
        return dimensions;
    }

    @Override
    protected boolean drops() {
        return dimensions.dropout() > 0;
    }

    @Override
    protected Embedding tokens() {
        return tokens;
    }
}
