package dev.peft4j.models;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.layer.Attention;
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
 * BERT and its relatives: blocks with a norm behind each sub-layer. What differs between them is in their {@link EncoderForm}.
 *
 * <p>Devlin et al. 2019, <a href="https://arxiv.org/abs/1810.04805">paper</a>, section 3.
 */
final class PostNormEncoder extends Encoder {
    private final Dimensions dimensions;
    private final double dropout;
    private final double attentionOutputDropout;
    private final Activation activation;
    private final int firstPosition;
    private final int uncounted;
    private final Embedding words; // (V, E)
    private final @Nullable Embedding positions; // (context, E)
    private final @Nullable Embedding segments; // (2, E)
    private final LayerNorm embeddingNorm;
    private final @Nullable Linear projection; // (C, E)
    private final boolean projectsBehindNorm;
    private final List<Block> blocks = new ArrayList<>();
    private final @Nullable RelativePositions relative;

    private record Block(
            Linear q,
            Linear k,
            Linear v,
            Linear o,
            LayerNorm attentionNorm,
            Linear up,
            Linear down,
            LayerNorm outputNorm) {}

    /** Reads the weights of the base, and the head. */
    PostNormEncoder(ModelSource source, FamilyTraits traits, EncoderForm form, EncoderHead head) throws IOException {
        super(source, traits, form.context(), form.vocabulary());
        int width = form.width();
        int narrow = form.embeddingWidth();
        double eps = form.eps();
        dimensions = new Dimensions(
                form.layers(), form.heads(), width / form.heads(), form.scale(), form.attentionDropout());
        dropout = form.dropout();
        attentionOutputDropout = form.attentionOutputDropout();
        activation = form.activation();
        firstPosition = form.firstPosition();
        uncounted = form.uncounted();
        projectsBehindNorm = form.isProjectedBehindNorm();

        String base = form.prefix() + "embeddings.";
        words = embedding(base + "word_embeddings", vocabularySize(), narrow, form.padding());
        positions = form.hasPositions()
                ? embedding(base + "position_embeddings", form.positionRows(), narrow, uncounted)
                : null;
        segments = form.segments() > 0 ? embedding(base + "token_type_embeddings", form.segments(), narrow) : null;
        embeddingNorm = layerNorm(base + "LayerNorm", projectsBehindNorm ? narrow : width, eps);
        String between = form.projection();
        projection = between == null || narrow == width
                ? null
                : linear(form.prefix() + between, narrow, width, projectsBehindNorm);
        relative = form.relativePositions(this);
        EncoderForm.Names names = form.names();
        for (int l = 0; l < dimensions.layers(); l++) {
            String block = form.prefix() + names.block() + l;
            String h = block + ".";
            addBlock(block, width, width);
            blocks.add(new Block(
                    linear(h + names.query(), width, width, true),
                    linear(h + names.key(), width, width, true),
                    linear(h + names.value(), width, width, true),
                    linear(h + names.output(), width, width, true),
                    layerNorm(h + names.attentionNorm(), width, eps),
                    linear(h + names.up(), width, form.inner(), true),
                    linear(h + names.down(), form.inner(), width, true),
                    layerNorm(h + names.outputNorm(), width, eps)));
        }
        head.read(this, source);
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
        return segments == null ? ANY : segments.site().entries();
    }

    @Override
    protected Node begin(Call call, Node embedded, Run run) {
        Pass pass = call.pass();
        Node x = embedded;
        if (segments != null) {
            Functions.add(pass, x, segments.forward(call, run.batch().tokenTypes()));
        }
        if (positions != null) {
            Functions.add(pass, x, positions.forward(call, places(run)));
        }
        if (projection != null && !projectsBehindNorm) {
            x = projection.forward(call, x);
        }
        x = Functions.dropout(pass, dropout, embeddingNorm.forward(call, x));
        return projection != null && projectsBehindNorm ? projection.forward(call, x) : x;
    }

    /**
     * Rows of the table of positions: a token that is not counted has the one in front of the first, and those behind it move up. Behind rows that adapters put in
     * front of the text, transformers does not know the tokens, and counts all.
     */
    private int[] places(Run run) {
        int[] places = run.positions().clone();
        PackedBatch batch = run.batch();
        for (int s = 0; s < batch.sequences(); s++) {
            int left = 0;
            boolean counts = uncounted == EncoderForm.NO_TOKEN || run.rowsInFront(s) > 0;
            for (int i = batch.start(s); i < batch.start(s) + batch.length(s); i++) {
                places[i] += firstPosition - left;
                if (!counts && batch.ids()[i] == uncounted) {
                    places[i] = firstPosition - 1;
                    left++;
                }
            }
        }
        return places;
    }

    @Override
    protected Node block(Call all, int layer, Node x, Run run, int @Nullable [] kept) {
        Pass pass = all.pass();
        Block b = blocks.get(layer);
        int[] asked = relative == null ? kept : null; // distances are those of all rows
        Call asking = some(all, asked);
        Node q = b.q.forward(asking, some(pass, x, asked));
        Node k = b.k.forward(all, x);
        Node v = b.v.forward(all, x);
        BlockSite keys = site(layer, BlockSite.Kind.KEYS_AND_VALUES);
        Node mixed;
        if (relative == null) {
            mixed = attention(asking, keys, run, Slice.of(q), Slice.of(k), Slice.of(v), asked);
        } else {
            Attention.Distances distances = relative.distances(all, run.batch(), b.q, b.k, q, k);
            Node y = Attention.forward(pass, shape(pass, run), Slice.of(q), Slice.of(k), Slice.of(v), distances);
            mixed = some(pass, y, kept);
        }
        Call call = some(all, kept);
        Node rows = asked == null ? some(pass, x, kept) : Functions.rows(pass, x, asked);
        Node a = Functions.dropout(pass, attentionOutputDropout, b.o.forward(call, mixed));
        a = call.subLayer(site(layer, BlockSite.Kind.AFTER_ATTENTION), a, rows, b.attentionNorm::forward);
        a = b.attentionNorm.forward(call, Functions.add(pass, a, rows));
        Node up = Functions.activation(pass, activation, b.up.forward(call, a));
        Node y = Functions.dropout(pass, dropout, b.down.forward(call, up));
        y = call.subLayer(site(layer, BlockSite.Kind.AFTER_FEED_FORWARD), y, a, b.outputNorm::forward);
        return b.outputNorm.forward(call, Functions.add(pass, y, a));
    }
}
