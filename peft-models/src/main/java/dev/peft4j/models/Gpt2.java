package dev.peft4j.models;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.layer.Attention.Slice;
import dev.peft4j.core.layer.Embedding;
import dev.peft4j.core.layer.Functions;
import dev.peft4j.core.layer.LayerNorm;
import dev.peft4j.core.layer.Linear;
import dev.peft4j.core.site.BlockSite;
import dev.peft4j.core.site.FamilyTraits;
import dev.peft4j.core.tensor.Activation;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * GPT-2: a decoder with learned positions, layer norm in front of each sub-layer, and a head tied to the embedding.
 *
 * <p>Radford et al. 2019, <a href="https://cdn.openai.com/better-language-models/language_models_are_unsupervised_multitask_learners.pdf">paper</a>,
 * section 2.3.
 */
final class Gpt2 extends Decoder {
    private final Dimensions dimensions;
    private final int width; // C
    private final double embeddingDropout;
    private final double residualDropout;
    private final boolean scaleByLayer; // the products of queries and keys, by 1 / number of the layer from 1
    private final Activation activation;
    private final Embedding tokens; // (V, C)
    private final Embedding positions; // (context, C)
    private final List<Block> blocks = new ArrayList<>();
    private final LayerNorm finalNorm;

    private record Block(
            LayerNorm norm1, Linear attention, Linear projection, LayerNorm norm2, Linear up, Linear down) {}

    Gpt2(ModelSource source, FamilyTraits traits) throws IOException {
        super(
                source,
                traits,
                source.config().size(List.of("max_position_embeddings", "n_positions", "n_ctx"), 1024),
                source.config().size("vocab_size", 50257));
        ModelConfig config = source.config();
        config.require("add_cross_attention", false);
        // where a file has both names of a size, transformers takes the general one
        int layers = config.size(List.of("num_hidden_layers", "n_layer"), 12);
        int heads = config.size(List.of("num_attention_heads", "n_head"), 12);
        width = config.size(List.of("hidden_size", "n_embd"), 768);
        if (width % heads != 0) {
            throw config.bad("n_embd " + width + " is not a multiple of n_head " + heads + ". Correct config.json.");
        }
        int inner = config.size("n_inner", 4 * width);
        double eps = config.number("layer_norm_epsilon", 1e-5);
        double scale = config.flag("scale_attn_weights", true) ? 1 / Math.sqrt((double) width / heads) : 1;
        scaleByLayer = config.flag("scale_attn_by_inverse_layer_idx", false);
        embeddingDropout = config.probability("embd_pdrop", 0.1);
        residualDropout = config.probability("resid_pdrop", 0.1);
        dimensions = new Dimensions(layers, heads, heads, width / heads, scale, config.probability("attn_pdrop", 0.1));
        activation = config.activation("activation_function", "gelu_new");

        tokens = embedding("transformer.wte", vocabularySize(), width);
        positions = embedding("transformer.wpe", contextLength(), width);
        for (int l = 0; l < layers; l++) {
            String h = "transformer.h." + l + ".";
            addBlock("transformer.h." + l, width, width);
            blocks.add(new Block(
                    layerNorm(h + "ln_1", width, eps),
                    conv1d(h + "attn.c_attn", width, 3 * width),
                    conv1d(h + "attn.c_proj", width, width),
                    layerNorm(h + "ln_2", width, eps),
                    conv1d(h + "mlp.c_fc", width, inner),
                    conv1d(h + "mlp.c_proj", inner, width)));
        }
        finalNorm = layerNorm("transformer.ln_f", width, eps);
        readHead(source, config.flag("tie_word_embeddings", true));
    }

    @Override
    protected Node begin(Call call, Node embedded, int[] places) {
        Functions.add(call.pass(), embedded, positions.forward(call, places));
        return Functions.dropout(call.pass(), embeddingDropout, embedded);
    }

    @Override
    protected Node block(Call all, int layer, Node in, Run run, int @Nullable [] kept) {
        Pass pass = all.pass();
        Block b = blocks.get(layer);
        Node qkv = b.attention.forward(all, b.norm1.forward(all, in)); // (T, 3C)
        Slice q = new Slice(qkv, 0, width);
        Slice k = new Slice(qkv, width, width);
        Slice v = new Slice(qkv, 2 * width, width);
        Node mixed = attention(all, site(layer, BlockSite.Kind.KEYS_AND_VALUES), run, q, k, v); // (T, C)
        Call call = some(all, kept);
        Node x = some(pass, in, kept);
        Node y = Functions.dropout(pass, residualDropout, b.projection.forward(call, some(pass, mixed, kept)));
        y = call.subLayer(site(layer, BlockSite.Kind.AFTER_ATTENTION), y, x, Adapter.Norm.NONE);
        Functions.add(pass, y, x);
        Node up = Functions.activation(pass, activation, b.up.forward(call, b.norm2.forward(call, y))); // (T, 4C)
        Node z = Functions.dropout(pass, residualDropout, b.down.forward(call, up));
        return Functions.add(
                pass, call.subLayer(site(layer, BlockSite.Kind.AFTER_FEED_FORWARD), z, y, Adapter.Norm.NONE), y);
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
    protected double scale(int layer) {
        return scaleByLayer ? dimensions.scale() / (layer + 1) : dimensions.scale();
    }

    @Override
    protected boolean drops() {
        return embeddingDropout > 0 || residualDropout > 0 || dimensions.dropout() > 0;
    }

    @Override
    protected Embedding tokens() {
        return tokens;
    }
}
