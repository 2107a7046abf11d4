package dev.peft4j.models;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.autograd.Products;
import dev.peft4j.core.data.Batch;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.layer.Attention;
import dev.peft4j.core.layer.Attention.Slice;
import dev.peft4j.core.layer.Embedding;
import dev.peft4j.core.layer.Functions;
import dev.peft4j.core.site.BlockSite;
import dev.peft4j.core.site.FamilyTraits;
import dev.peft4j.core.site.LinearSite;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.core.tensor.AttentionShape;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The way through a decoder, with a cache or without. A family says what its blocks compute: {@link #block} asks {@link #attention} with its queries, keys and
 * values, and calls its adapters behind each sub-layer ({@link Call#subLayer}).
 */
public abstract class Decoder extends BaseModel implements CausalModel {

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
    public record Dimensions(int layers, int heads, int keyHeads, int headSize, double scale, double dropout) {
        /** Columns of the keys of a layer. */
        public int keyWidth() {
            return keyHeads * headSize;
        }
    }

    /**
     * What all layers of a run see.
     *
     * @param batch with the rows that adapters put in front
     * @param positions of its tokens (T)
     * @param lengths of its sequences (B), counted from the first position, with the tokens of a cache and those that come in later batches
     * @param cache of earlier tokens, or null
     * @param shared length of the first sequence, if it stands in front of all others
     */
    public record Run(PackedBatch batch, int[] positions, int[] lengths, @Nullable KeyValueCache cache, int shared) {}

    private final Set<Integer> endTokens;

    /**
     * Begins a decoder of a family.
     *
     * @param contextLength most tokens of a sequence
     * @param vocabularySize V
     */
    protected Decoder(ModelSource source, FamilyTraits traits, int contextLength, int vocabularySize)
            throws IOException {
        super(source, traits, contextLength, vocabularySize);
        this.endTokens = source.endTokens(vocabularySize);
    }

    @Override
    public final Set<Integer> endTokens() {
        return endTokens;
    }

    /** What attention and a cache need to know. */
    protected abstract Dimensions dimensions();

    /** Whether something is dropped while training. */
    protected abstract boolean drops();

    /** Whether a token is rotated by the length of its sequence too, so that rows in front cannot be computed once for all. */
    protected boolean rotatesByLength() {
        return false;
    }

    /** The table of token vectors (V, C). */
    protected abstract Embedding tokens();

    /** Vectors of tokens (T, C), before adapters put rows in front of them. */
    protected Node embed(Call call, int[] ids) {
        return tokens().forward(call, ids);
    }

    /** What the first layer reads (T, C): the embedded tokens, with their positions where these are added. */
    protected abstract Node begin(Call call, Node embedded, int[] positions);

    /**
     * The output of a layer. Keys and values are needed of all rows; what comes behind attention is computed for the rows that are kept ({@link #some}).
     *
     * @param all the call for all rows
     * @param in what the layer reads (T, C), which its backward pass may need unchanged
     * @param kept numbers of the rows; null for all
     */
    protected abstract Node block(Call all, int layer, Node in, Run run, int @Nullable [] kept);

    /** The final norm. */
    protected abstract Node end(Call call, Node x);

    /**
     * Reads the head of the task that the model was opened for, and ends the constructor with it: the next token, or classes of sequences by their last token, with
     * a layer without a bias ({@code ForSequenceClassification}).
     *
     * @param tied whether the output layer of a language model is the table of tokens
     */
    protected final void readHead(ModelSource source, boolean tied) throws IOException {
        readHead(source, tied, 0);
    }

    /**
     * The same.
     *
     * @param softCap of the logits of a language model: {@code cap · tanh(logit / cap)}; 0 for none
     */
    protected final void readHead(ModelSource source, boolean tied, double softCap) throws IOException {
        ModelConfig config = source.config();
        int width = tokens().site().width();
        FamilyTraits.Head head = Objects.requireNonNull(traits().head(source.task()));
        if (source.task() == TaskType.CAUSAL_LM) {
            LinearSite site = new LinearSite(head.module(), width, vocabularySize(), true);
            setHead(
                    new NextTokenHead(output(site, tokens(), tied), softCap),
                    newModules()); // a new one would be lost with the run
            return;
        }
        source.head().requireNoMean(modelType(), "the last token, which has seen all others");
        LinearSite score = new LinearSite(head.module(), width, config.outputs(source.outputs()), true);
        setHead(SequenceHead.ofLastToken(reader, score, source), List.of(head.module()));
    }

    @Override
    public final Node hidden(Call call, Batch batch, int @Nullable [] rows) {
        return hidden(call, tokens(batch), null, rows);
    }

    @Override
    public final Node hidden(Call chosen, PackedBatch batch, @Nullable KeyValueCache cache, int @Nullable [] rows) {
        Pass pass = chosen.pass();
        begin(chosen, batch, 1);
        int frame = pass.begin();
        Call given = chosen.overTokens(batch.lengths());
        Node embedded = embed(given, batch.ids());
        boolean first = cache == null || cache.isFresh(); // what adapters put in front is in the cache later
        Node shared = cache == null ? sharedRows(given, batch, embedded.value().cols()) : null;
        EmbeddedInput input = new EmbeddedInput(given, batch, embedded);
        if (shared != null) {
            input = behind(shared, given, batch, embedded);
        } else if (first) {
            input = input(given, batch, embedded);
        }
        Call call = input.call();
        Run run = run(call, input.batch(), cache, shared);
        Node x = begin(call, input.rows(), run.positions);
        int[] read = read(batch, run, rows);
        int layers = dimensions().layers;
        for (int l = 0; l < layers; l++) {
            int inner = pass.begin();
            Node in = x;
            x = pass.end(inner, block(call, l, in, run, l == layers - 1 ? read : null));
            pass.tell(site(l, BlockSite.Kind.AFTER_FEED_FORWARD).name(), in, x);
        }
        if (cache != null) {
            cache.advance(run.batch);
        }
        return pass.end(frame, end(some(call, read), x));
    }

    /**
     * The rows that adapters put in front of all sequences, if they are to be computed once: nothing in them depends on what follows. Not where dropout makes them
     * different for each sequence.
     */
    private @Nullable Node sharedRows(Call call, PackedBatch batch, int width) {
        boolean differ = call.pass().isTraining() && (drops() || call.adapters().size() > 1);
        if (call.isSplit() || batch.sequences() < 2 || differ || rotatesByLength()) {
            return null;
        }
        Node all = null;
        for (Adapter a : call.adapters()) {
            Node rows = a.inputRows(call, width);
            if (rows != null) {
                all = all == null ? rows : joined(call.pass(), rows, all);
            }
        }
        return all;
    }

    private static Node joined(Pass pass, Node above, Node below) {
        return Functions.prepend(pass, new int[] {below.value().rows()}, List.of(above), Slice.of(below));
    }

    /** The rows as a sequence of their own, and the others behind it. */
    private static EmbeddedInput behind(Node shared, Call call, PackedBatch batch, Node embedded) {
        PackedBatch all = batch.withSequenceInFront(shared.value().rows());
        return new EmbeddedInput(call, all, joined(call.pass(), shared, embedded));
    }

    /** Positions of the tokens; a cache that is still empty gets the keys of the adapters first. */
    private int[] places(Call call, PackedBatch batch, @Nullable KeyValueCache cache) {
        if (cache == null) {
            return positions(call, batch);
        }
        if (cache.isFresh()) {
            for (BlockSite site : blockSites()) {
                if (site.kind() == BlockSite.Kind.KEYS_AND_VALUES) {
                    RowsInFront.fill(call, batch, site, cache);
                }
            }
            cache.beginTokens();
            return checkLength(cache.positions(batch, Integer.MAX_VALUE));
        }
        return checkLength(cache.positions(batch, keysHoldTo()));
    }

    private Run run(Call call, PackedBatch batch, @Nullable KeyValueCache cache, @Nullable Node shared) {
        int[] positions = places(call, batch, cache);
        if (cache != null) {
            return new Run(batch, positions, cache.wholeLengths(batch), cache, 0);
        }
        if (shared == null) {
            return new Run(batch, positions, lengths(batch, positions), null, 0);
        }
        int count = shared.value().rows();
        for (int r = count; r < positions.length; r++) {
            positions[r] += count;
        }
        return new Run(batch, checkLength(positions), lengths(batch, positions), null, count);
    }

    /** Tokens of each sequence up to its last position. */
    private static int[] lengths(PackedBatch batch, int[] positions) {
        int[] lengths = new int[batch.sequences()];
        Arrays.setAll(lengths, s -> positions[batch.start(s) + batch.length(s) - 1] + 1);
        return lengths;
    }

    /** The rows that the last layer keeps, as they are numbered in this run; null for all as they are. */
    private static int @Nullable [] read(PackedBatch batch, Run run, int @Nullable [] rows) {
        if (run.shared == 0) {
            return rows == null || rows.length == run.batch.tokens() ? null : rows;
        }
        // where the rows are that a batch without sharing would have
        int[] places = new int[batch.sequences() * run.shared + batch.tokens()];
        int at = 0;
        for (int s = 0; s < batch.sequences(); s++) {
            for (int i = 0; i < run.shared; i++) {
                places[at++] = i;
            }
            for (int i = 0; i < batch.length(s); i++) {
                places[at++] = run.shared + batch.start(s) + i;
            }
        }
        return rows == null ? places : Arrays.stream(rows).map(r -> places[r]).toArray();
    }

    /** The call for all rows, or for those that are kept. */
    protected static Call some(Call all, int @Nullable [] kept) {
        return kept == null ? all : all.overRows(kept);
    }

    /** All rows, or those that are kept. */
    protected static Node some(Pass pass, Node x, int @Nullable [] kept) {
        return kept == null ? x : Functions.rows(pass, x, kept);
    }

    /** The factor of the products of queries and keys of a layer. */
    protected double scale(int layer) {
        return dimensions().scale;
    }

    /** Scores of attention are {@code cap · tanh(score / cap)}; 0 for no cap. */
    protected double softCap() {
        return 0;
    }

    /** How many of the latest tokens, itself among them, a token sees in a layer; 0 for all. */
    protected int window(int layer) {
        return 0;
    }

    /** Causal attention over the tokens of each sequence, earlier ones of the cache, and keys of adapters: q (T, N·H), k and v (T, keyHeads·H), the result (T, N·H). */
    protected final Node attention(Call call, BlockSite site, Run run, Slice q, Slice k, Slice v) {
        Pass pass = call.pass();
        Dimensions d = dimensions();
        double scale = scale(site.layer());
        KeyValueCache cache = run.cache;
        if (cache == null) {
            AttentionShape shape = selfAttention(
                            pass, run.batch, d.heads, d.keyHeads, d.headSize, scale, true, d.dropout)
                    .withWindow(window(site.layer()))
                    .withSoftCap(softCap());
            if (run.shared == 0) {
                return attend(call, run.batch, site, shape, q, k, v);
            }
            int[] more = new int[run.batch.sequences()];
            Arrays.fill(more, 1, more.length, run.shared);
            Slice keys = Slice.of(Functions.prepend(pass, shape.keyCount(), inFront(pass, k, run), k));
            Slice values = Slice.of(Functions.prepend(pass, shape.keyCount(), inFront(pass, v, run), v));
            return attend(call, run.batch, site, shape.withKeysInFront(more), q, keys, values);
        }
        cache.append(site.layer(), run.batch, k.value(), v.value());
        AttentionShape shape = cache.shape(run.batch, d.heads, d.keyHeads, d.headSize, scale)
                .withWindow(window(site.layer()))
                .withSoftCap(softCap());
        Slice keys = Slice.of(pass.node(cache.keys(site.layer())));
        return Attention.forward(pass, shape, q, keys, Slice.of(pass.node(cache.values(site.layer()))));
    }

    /** The keys or values of the first sequence, for all others. */
    private static List<@Nullable Node> inFront(Pass pass, Slice all, Run run) {
        Node rows = all.node().rows(0, run.shared);
        boolean whole = all.count() == rows.value().cols();
        List<@Nullable Node> each = new ArrayList<>(Collections.nCopies(
                run.batch.sequences(), whole ? rows : Products.columns(pass, rows, all.from(), all.count())));
        each.set(0, null);
        return each;
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
