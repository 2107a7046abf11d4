package dev.peft4j.models;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.BlockSite;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.adapter.LinearSite;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.layer.Attention;
import dev.peft4j.core.layer.Attention.Slice;
import dev.peft4j.core.layer.Embedding;
import dev.peft4j.core.layer.Functions;
import dev.peft4j.core.layer.LayerNorm;
import dev.peft4j.core.layer.Linear;
import dev.peft4j.core.model.PackedBatch;
import dev.peft4j.core.model.Weights;
import dev.peft4j.core.tensor.Activation;
import dev.peft4j.core.tensor.AttentionShape;
import dev.peft4j.core.tensor.Backend;
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
public final class Gpt2 extends BaseModel implements CausalModel {
    private final int layers;
    private final int heads;
    private final int width; // C
    private final double scale;
    private final double embeddingDropout;
    private final double residualDropout;
    private final double attentionDropout;
    private final Activation activation;
    private final Embedding tokens; // (V, C)
    private final Embedding positions; // (context, C)
    private final List<Block> blocks = new ArrayList<>();
    private final LayerNorm finalNorm;
    private final Linear head; // (V, C)

    private record Block(
            LayerNorm norm1, Linear attention, Linear projection, LayerNorm norm2, Linear up, Linear down) {}

    Gpt2(ModelConfig config, Weights weights, Backend backend) throws IOException {
        super(
                "gpt2",
                weights,
                backend,
                config.directory(),
                config.size("n_positions", config.size("n_ctx", 1024)),
                config.size("vocab_size"));
        config.require("scale_attn_by_inverse_layer_idx", false);
        config.require("add_cross_attention", false);
        layers = config.size("n_layer");
        heads = config.size("n_head");
        width = config.size("n_embd");
        if (width % heads != 0) {
            throw config.bad("n_embd " + width + " is not a multiple of n_head " + heads + ". Correct config.json.");
        }
        int inner = config.size("n_inner", 4 * width);
        double eps = config.number("layer_norm_epsilon", 1e-5);
        scale = config.flag("scale_attn_weights", true) ? 1 / Math.sqrt((double) width / heads) : 1;
        embeddingDropout = config.probability("embd_pdrop", 0.1);
        residualDropout = config.probability("resid_pdrop", 0.1);
        attentionDropout = config.probability("attn_pdrop", 0.1);
        activation = config.activation("activation_function", "gelu_new");

        weights.optionalPrefix("transformer.");
        tokens = embedding("transformer.wte", vocabularySize(), width);
        positions = embedding("transformer.wpe", contextLength(), width);
        for (int l = 0; l < layers; l++) {
            String h = "transformer.h." + l + ".";
            addBlock(
                    site(l, BlockSite.Kind.KEYS_AND_VALUES),
                    site(l, BlockSite.Kind.AFTER_ATTENTION),
                    site(l, BlockSite.Kind.AFTER_FEED_FORWARD));
            blocks.add(new Block(
                    layerNorm(h + "ln_1", width, eps),
                    conv1d(h + "attn.c_attn", width, 3 * width),
                    conv1d(h + "attn.c_proj", width, width),
                    layerNorm(h + "ln_2", width, eps),
                    conv1d(h + "mlp.c_fc", width, inner),
                    conv1d(h + "mlp.c_proj", inner, width)));
        }
        finalNorm = layerNorm("transformer.ln_f", width, eps);
        LinearSite site = new LinearSite("lm_head", width, vocabularySize(), true);
        head = head(site, tokens, config.flag("tie_word_embeddings", true));
    }

    @Override
    public Node hidden(Call chosen, PackedBatch batch, @Nullable KeyValueCache cache, int @Nullable [] rows) {
        Pass pass = chosen.pass();
        int frame = pass.begin();
        Call given = chosen.overTokens(batch.lengths());
        Node embedded = tokens.forward(given, batch.ids());
        boolean first = cache == null || cache.isFresh(); // what adapters put in front is in the cache later
        Input input = first ? input(given, batch, embedded) : new Input(given, batch, embedded);
        Call call = input.call();
        PackedBatch all = input.batch();
        int[] places = places(call, all, cache);
        Node x = input.rows(); // (T, C)
        Functions.add(pass, x, positions.forward(call, places));
        Functions.dropout(pass, embeddingDropout, x);
        int[] read = rows == null || rows.length == all.tokens() ? null : rows;
        for (int l = 0; l < layers; l++) {
            int inner = pass.begin();
            int[] kept = l == layers - 1 ? read : null;
            x = pass.end(inner, block(call, l, x, all, cache, kept));
        }
        if (cache != null) {
            cache.advance(all);
        }
        return pass.end(frame, finalNorm.forward(read == null ? call : call.overRows(read), x));
    }

    /** The output of a layer; of some rows alone, if only they are kept. */
    private Node block(
            Call all, int layer, Node in, PackedBatch batch, @Nullable KeyValueCache cache, int @Nullable [] kept) {
        Pass pass = all.pass();
        Block b = blocks.get(layer);
        Node qkv = b.attention.forward(all, b.norm1.forward(all, in)); // (T, 3C)
        Slice q = new Slice(qkv, 0, width);
        Slice k = new Slice(qkv, width, width);
        Slice v = new Slice(qkv, 2 * width, width);
        Node mixed; // (T, C)
        if (cache == null) {
            mixed = attend(all, batch, site(layer, BlockSite.Kind.KEYS_AND_VALUES), shape(pass, batch), q, k, v);
        } else {
            cache.append(
                    layer, batch, qkv.value().columns(width, width), qkv.value().columns(2 * width, width));
            AttentionShape shape = cache.shape(batch, heads, heads, width / heads, scale);
            Slice keys = Slice.of(pass.node(cache.keys(layer)));
            mixed = Attention.forward(pass, shape, q, keys, Slice.of(pass.node(cache.values(layer))));
        }
        Call call = kept == null ? all : all.overRows(kept);
        Node x = kept == null ? in : Functions.rows(pass, in, kept);
        mixed = kept == null ? mixed : Functions.rows(pass, mixed, kept);
        Node y = Functions.dropout(pass, residualDropout, b.projection.forward(call, mixed));
        y = call.subLayer(site(layer, BlockSite.Kind.AFTER_ATTENTION), y, x, Adapter.Norm.NONE);
        Functions.add(pass, y, x);
        Node up = Functions.activation(pass, activation, b.up.forward(call, b.norm2.forward(call, y))); // (T, 4C)
        Node z = Functions.dropout(pass, residualDropout, b.down.forward(call, up));
        return Functions.add(
                pass, call.subLayer(site(layer, BlockSite.Kind.AFTER_FEED_FORWARD), z, y, Adapter.Norm.NONE), y);
    }

    private BlockSite site(int layer, BlockSite.Kind kind) {
        return new BlockSite("transformer.h." + layer, layer, kind, width);
    }

    private AttentionShape shape(Pass pass, PackedBatch batch) {
        return selfAttention(pass, batch, heads, heads, width / heads, scale, true, attentionDropout);
    }

    @Override
    public KeyValueCache newCache(int sequences, int capacity) {
        return new KeyValueCache(backend().dtype(), layers, width, sequences, capacity);
    }

    @Override
    public Linear head() {
        return head;
    }

    @Override
    public boolean fanInFanOut() {
        return true;
    }

    @Override
    public int attentionHeads() {
        return heads;
    }

    @Override
    public int keyHeads() {
        return heads;
    }
}
