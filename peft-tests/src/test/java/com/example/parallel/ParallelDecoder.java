package com.example.parallel;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.layer.Attention.Slice;
import dev.peft4j.core.layer.Embedding;
import dev.peft4j.core.layer.Functions;
import dev.peft4j.core.layer.Linear;
import dev.peft4j.core.layer.RmsNorm;
import dev.peft4j.core.site.BlockSite;
import dev.peft4j.core.site.FamilyTraits;
import dev.peft4j.core.tensor.Activation;
import dev.peft4j.models.Decoder;
import dev.peft4j.models.ModelConfig;
import dev.peft4j.models.ModelSource;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A decoder with learned positions, whose attention and feed-forward read the same RMS norm, side by side: {@code y = x + attention(n) + feed(n)}. */
final class ParallelDecoder extends Decoder {
    private final Dimensions dimensions;
    private final double dropout;
    private final Activation activation;
    private final Embedding tokens; // (V, C)
    private final Embedding positions; // (context, C)
    private final List<Block> blocks = new ArrayList<>();
    private final RmsNorm lastNorm;

    private record Block(RmsNorm norm, Linear q, Linear k, Linear v, Linear o, Linear up, Linear down) {}

    ParallelDecoder(ModelSource source, FamilyTraits traits) throws IOException {
        super(source, traits, source.config().size("context"), source.config().size("vocab_size"));
        ModelConfig config = source.config();
        config.require("parallel_residual", true);
        config.require("positions", "learned");
        int width = config.size("hidden_size");
        int inner = config.size("inner_size", 4 * width);
        int heads = config.size("num_attention_heads");
        int keyHeads = config.size("num_key_value_heads", heads);
        if (width % heads != 0 || heads % keyHeads != 0) {
            throw config.bad("hidden_size " + width + ", num_attention_heads " + heads + " and num_key_value_heads "
                    + keyHeads + ": each has to be a multiple of the next. Correct config.json.");
        }
        int headSize = width / heads;
        double eps = config.number("rms_eps", 1e-6);
        dropout = config.probability("dropout", 0);
        activation = config.activation("activation", "gelu");
        int layers = config.size("num_hidden_layers");
        dimensions = new Dimensions(layers, heads, keyHeads, headSize, 1 / Math.sqrt(headSize), dropout);

        tokens = embedding("trunk.words", vocabularySize(), width);
        positions = embedding("trunk.places", contextLength(), width);
        for (int l = 0; l < layers; l++) {
            String b = "trunk.stack." + l;
            addBlock(b, dimensions.keyWidth(), width);
            blocks.add(new Block(
                    rmsNorm(b + ".pre_rms", width, eps),
                    linear(b + ".mix.ask", width, width, true),
                    linear(b + ".mix.find", width, dimensions.keyWidth(), true),
                    linear(b + ".mix.tell", width, dimensions.keyWidth(), true),
                    linear(b + ".mix.join", width, width, true),
                    linear(b + ".feed.widen", width, inner, true),
                    linear(b + ".feed.narrow", inner, width, true)));
        }
        lastNorm = rmsNorm("trunk.last_rms", width, eps);
        readHead(source, config.flag("tied", false));
    }

    @Override
    protected Node begin(Call call, Node embedded, int[] places) {
        Functions.add(call.pass(), embedded, positions.forward(call, places));
        return Functions.dropout(call.pass(), dropout, embedded);
    }

    @Override
    protected Node block(Call all, int layer, Node in, Run run, int @Nullable [] kept) {
        Pass pass = all.pass();
        Block b = blocks.get(layer);
        Node n = b.norm.forward(all, in); // (T, C)
        Slice q = Slice.of(b.q.forward(all, n)); // (T, N·H)
        Slice k = Slice.of(b.k.forward(all, n)); // (T, keyHeads·H)
        Slice v = Slice.of(b.v.forward(all, n)); // (T, keyHeads·H)
        Node mixed = attention(all, site(layer, BlockSite.Kind.KEYS_AND_VALUES), run, q, k, v); // (T, C)
        Call call = some(all, kept);
        Node x = some(pass, in, kept);
        Node a = Functions.dropout(pass, dropout, b.o.forward(call, some(pass, mixed, kept)));
        a = call.subLayer(site(layer, BlockSite.Kind.AFTER_ATTENTION), a, x, Adapter.Norm.NONE);
        Node up = Functions.activation(pass, activation, b.up.forward(call, some(pass, n, kept))); // (T, inner)
        Node f = Functions.dropout(pass, dropout, b.down.forward(call, up));
        f = call.subLayer(site(layer, BlockSite.Kind.AFTER_FEED_FORWARD), f, x, Adapter.Norm.NONE);
        return Functions.add(pass, Functions.add(pass, a, x), f);
    }

    @Override
    protected Node end(Call call, Node x) {
        return lastNorm.forward(call, x);
    }

    @Override
    protected Dimensions dimensions() {
        return dimensions;
    }

    @Override
    protected boolean drops() {
        return dropout > 0;
    }

    @Override
    protected Embedding tokens() {
        return tokens;
    }
}
