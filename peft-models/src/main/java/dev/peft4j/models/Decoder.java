package dev.peft4j.models;

import dev.peft4j.core.adapter.BlockSite;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.layer.Attention;
import dev.peft4j.core.layer.Attention.Slice;
import dev.peft4j.core.layer.Embedding;
import dev.peft4j.core.layer.Functions;
import dev.peft4j.core.model.PackedBatch;
import dev.peft4j.core.model.Weights;
import dev.peft4j.core.tensor.AttentionShape;
import dev.peft4j.core.tensor.Backend;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** The way through a decoder, with a cache or without. */
abstract class Decoder extends BaseModel implements CausalModel {

    /**
     * What attention and a cache need to know.
     *
     * @param layers L
     * @param heads N
     * @param keyHeads of keys and values; N is a multiple of it
     * @param headSize H
     * @param scale of the products of queries and keys
     * @param dropout of the weights of attention, while training
     */
    record Dimensions(int layers, int heads, int keyHeads, int headSize, double scale, double dropout) {
        int keyWidth() {
            return keyHeads * headSize;
        }
    }

    /**
     * What all layers of a run see.
     *
     * @param batch with the rows that adapters put in front
     * @param positions of its tokens (T)
     * @param cache of earlier tokens, or null
     */
    record Run(PackedBatch batch, int[] positions, @Nullable KeyValueCache cache) {}

    Decoder(String modelType, Weights weights, Backend backend, Path directory, int contextLength, int vocabularySize) {
        super(modelType, weights, backend, directory, contextLength, vocabularySize);
    }

    abstract Dimensions dimensions();

    abstract Embedding tokens();

    /** What the first layer reads (T, C). */
    abstract Node begin(Call call, Node embedded, int[] positions);

    /** The output of a layer; of some rows alone, if only they are kept. */
    abstract Node block(Call all, int layer, Node in, Run run, int @Nullable [] kept);

    /** The final norm. */
    abstract Node end(Call call, Node x);

    @Override
    public final Node hidden(Call chosen, PackedBatch batch, @Nullable KeyValueCache cache, int @Nullable [] rows) {
        Pass pass = chosen.pass();
        int frame = pass.begin();
        Call given = chosen.overTokens(batch.lengths());
        Node embedded = tokens().forward(given, batch.ids());
        boolean first = cache == null || cache.isFresh(); // what adapters put in front is in the cache later
        Input input = first ? input(given, batch, embedded) : new Input(given, batch, embedded);
        Call call = input.call();
        Run run = new Run(input.batch(), places(call, input.batch(), cache), cache);
        Node x = begin(call, input.rows(), run.positions);
        int[] read = rows == null || rows.length == run.batch.tokens() ? null : rows;
        int layers = dimensions().layers;
        for (int l = 0; l < layers; l++) {
            int inner = pass.begin();
            x = pass.end(inner, block(call, l, x, run, l == layers - 1 ? read : null));
        }
        if (cache != null) {
            cache.advance(run.batch);
        }
        return pass.end(frame, end(some(call, read), x));
    }

    /** The call for all rows, or for those that are kept. */
    static Call some(Call all, int @Nullable [] kept) {
        return kept == null ? all : all.overRows(kept);
    }

    /** All rows, or those that are kept. */
    static Node some(Pass pass, Node x, int @Nullable [] kept) {
        return kept == null ? x : Functions.rows(pass, x, kept);
    }

    /** q (T, N·H), k and v (T, keyHeads·H), the result (T, N·H). */
    final Node attention(Call call, BlockSite site, Run run, Slice q, Slice k, Slice v) {
        Pass pass = call.pass();
        Dimensions d = dimensions();
        KeyValueCache cache = run.cache;
        if (cache == null) {
            AttentionShape shape =
                    selfAttention(pass, run.batch, d.heads, d.keyHeads, d.headSize, d.scale, true, d.dropout);
            return attend(call, run.batch, site, shape, q, k, v);
        }
        cache.append(site.layer(), run.batch, k.value(), v.value());
        AttentionShape shape = cache.shape(run.batch, d.heads, d.keyHeads, d.headSize, d.scale);
        Slice keys = Slice.of(pass.node(cache.keys(site.layer())));
        return Attention.forward(pass, shape, q, keys, Slice.of(pass.node(cache.values(site.layer()))));
    }

    @Override
    public final KeyValueCache newCache(int sequences, int capacity) {
        Dimensions d = dimensions();
        return new KeyValueCache(backend().dtype(), d.layers, d.keyWidth(), sequences, capacity);
    }

    @Override
    public final int attentionHeads() {
        return dimensions().heads;
    }

    @Override
    public final int keyHeads() {
        return dimensions().keyHeads;
    }
}
