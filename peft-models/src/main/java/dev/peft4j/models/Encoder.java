package dev.peft4j.models;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.data.Batch;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.layer.Attention.Slice;
import dev.peft4j.core.layer.Embedding;
import dev.peft4j.core.layer.Functions;
import dev.peft4j.core.site.BlockSite;
import dev.peft4j.core.site.FamilyTraits;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.AttentionShape;
import dev.peft4j.core.tensor.Tensor;
import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The way through an encoder, whose tokens see those behind them too. A family says what its blocks compute: {@link #block} asks {@link #attention} with its queries,
 * keys and values, and calls its adapters behind each sub-layer ({@link Call#subLayer}).
 */
public abstract class Encoder extends BaseModel {
    private List<String> layersElsewhere = List.of();

    /** Segments mean nothing to the model: tokenizers may give them all the same. */
    protected static final int ANY = Integer.MAX_VALUE;

    /**
     * What attention needs to know.
     *
     * @param layers L
     * @param heads N
     * @param headSize H
     * @param scale of the products of queries and keys
     * @param dropout of the weights of attention, while training
     */
    public record Dimensions(int layers, int heads, int headSize, double scale, double dropout) {
        /** C: columns of the keys of a layer. */
        public int width() {
            return heads * headSize;
        }
    }

    /**
     * What all layers of a run see.
     *
     * @param text as it was given
     * @param batch with the rows that adapters put in front
     * @param positions of its tokens (T), from 0 in each sequence
     * @param seen gets the keys and values of all layers; null for nobody
     */
    public record Run(PackedBatch text, PackedBatch batch, int[] positions, @Nullable KeyValueCache seen) {
        /** How many rows adapters put in front of a sequence. */
        int rowsInFront(int sequence) {
            return batch.length(sequence) - text.length(sequence);
        }
    }

    /**
     * Begins an encoder of a family. A model that gives vectors of sequences has the names of the base alone.
     *
     * @param contextLength most tokens of a sequence
     * @param vocabularySize V
     */
    protected Encoder(ModelSource source, FamilyTraits traits, int contextLength, int vocabularySize)
            throws IOException {
        super(
                source,
                source.task() == TaskType.FEATURE_EXTRACTION ? traits.withoutPrefix() : traits,
                contextLength,
                vocabularySize);
        if (source.task() == TaskType.FEATURE_EXTRACTION) {
            weights().addedPrefix(traits.prefix());
        }
    }

    /** Says which layers transformers has beside those of this model. */
    final void setLayersElsewhere(List<String> names) {
        layersElsewhere = List.copyOf(names);
    }

    @Override
    public final List<String> layersElsewhere() {
        return layersElsewhere;
    }

    /** What attention needs to know. */
    protected abstract Dimensions dimensions();

    /** The table of token vectors (V, E). */
    protected abstract Embedding tokens();

    /** Number of segments that a token may be of; {@link #ANY} of a model that does not read them. */
    protected abstract int segments();

    /** What the first layer reads (T, C). */
    protected abstract Node begin(Call call, Node embedded, Run run);

    /**
     * The output of a layer. Keys and values are needed of all rows; what comes behind attention is computed for the rows that are kept ({@link #some}).
     *
     * @param all the call for all rows
     * @param in what the layer reads (T, C)
     * @param kept numbers of the rows; null for all
     */
    protected abstract Node block(Call all, int layer, Node in, Run run, int @Nullable [] kept);

    /** What comes behind the last layer. */
    protected Node end(Call call, Node x) {
        return x;
    }

    @Override
    public final Node hidden(Call call, Batch batch, int @Nullable [] rows) {
        return encode(call, tokens(batch), rows, null);
    }

    private Node encode(Call chosen, PackedBatch batch, int @Nullable [] rows, @Nullable KeyValueCache seen) {
        Pass pass = chosen.pass();
        begin(chosen, batch, segments());
        int frame = pass.begin();
        Call given = chosen.overTokens(batch.lengths());
        EmbeddedInput input = input(given, batch, tokens().forward(given, batch.ids()));
        Call call = input.call();
        Run run = new Run(batch, input.batch(), positions(call, input.batch()), seen);
        Node x = begin(call, input.rows(), run);
        int[] kept = rows == null || rows.length == run.batch.tokens() ? null : rows;
        int layers = dimensions().layers;
        for (int l = 0; l < layers; l++) {
            int inner = pass.begin();
            Node in = x;
            x = pass.end(inner, block(call, l, in, run, l == layers - 1 ? kept : null));
            pass.tell(site(l, BlockSite.Kind.AFTER_FEED_FORWARD).name(), in, x);
        }
        if (seen != null) {
            seen.advance(run.batch);
        }
        return pass.end(frame, end(kept == null ? call : call.overRows(kept), x));
    }

    /** The call for all rows, or for those that are kept. */
    protected static Call some(Call all, int @Nullable [] kept) {
        return kept == null ? all : all.overRows(kept);
    }

    /** All rows, or those that are kept. */
    protected static Node some(Pass pass, Node x, int @Nullable [] kept) {
        return kept == null ? x : Functions.rows(pass, x, kept);
    }

    /**
     * Attention over all tokens of each sequence, and keys that adapters put in front: q (T, C) or of the rows that are asked for, k and v (T, C).
     *
     * @param asked numbers of the rows that queries are of; null for all
     */
    protected final Node attention(
            Call call, BlockSite site, Run run, Slice q, Slice k, Slice v, int @Nullable [] asked) {
        if (run.seen != null) {
            run.seen.append(site.layer(), run.batch, k.value(), v.value());
        }
        AttentionShape all = shape(call.pass(), run);
        return attend(call, run.batch, site, asked == null ? all : all.withQueries(asked), q, k, v);
    }

    /** Each sequence of a run attends to itself. */
    protected final AttentionShape shape(Pass pass, Run run) {
        Dimensions d = dimensions();
        return selfAttention(pass, run.batch, d.heads, d.heads, d.headSize, d.scale, false, d.dropout);
    }

    @Override
    public final Tensor keysAndValues(int... tokens) {
        Dimensions d = dimensions();
        if (!traits().keysInFront()) {
            throw new BadInputException("keys and values of a text were asked for, to stand in front of others; "
                    + modelType() + " models take none there. Use prompt tuning, or LoRA.");
        }
        try (KeyValueCache seen = new KeyValueCache(backend().dtype(), d.layers, d.width(), 1, tokens.length);
                Arena arena = new Arena(backend().dtype());
                Pass pass = Pass.inference(backend(), arena)) {
            encode(Call.of(pass), PackedBatch.of(tokens), null, seen);
            return seen.sideBySide(0);
        }
    }

    @Override
    public final int usualLength() {
        return head() instanceof VectorHead vectors ? Math.min(contextLength(), vectors.longest()) : contextLength();
    }

    @Override
    public final int attentionHeads() {
        return dimensions().heads;
    }

    @Override
    public final int keyHeads() {
        return dimensions().heads;
    }
}
