package dev.peft4j.models;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Lease;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.data.Batch;
import dev.peft4j.core.data.Example;
import dev.peft4j.core.data.Layout;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.layer.Attention;
import dev.peft4j.core.layer.Attention.Slice;
import dev.peft4j.core.layer.Embedding;
import dev.peft4j.core.layer.Functions;
import dev.peft4j.core.layer.Head;
import dev.peft4j.core.layer.LayerNorm;
import dev.peft4j.core.layer.Linear;
import dev.peft4j.core.layer.RmsNorm;
import dev.peft4j.core.layer.Rotary;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.BlockSite;
import dev.peft4j.core.site.EmbeddingSite;
import dev.peft4j.core.site.FamilyTraits;
import dev.peft4j.core.site.LinearSite;
import dev.peft4j.core.site.NormSite;
import dev.peft4j.core.site.TransformerSites;
import dev.peft4j.core.tensor.AttentionShape;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.core.weight.FrozenWeight;
import dev.peft4j.core.weight.Weights;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the families share: reading layers by name, keeping the list of their sites, and the ways of rows and keys that adapters put in front. A constructor
 * reads the config, then the layers in the order of the forward pass.
 */
public abstract class BaseModel implements Model, TransformerSites {
    private static final BlockSite.Kind[] KINDS = BlockSite.Kind.values();
    private static final Logger LOG = LoggerFactory.getLogger(BaseModel.class);

    private final FamilyTraits traits;
    private final String modelType;
    private final Weights weights;
    private final Backend backend;
    private final Path directory;
    private final Fresh fresh;
    private final int contextLength;
    private final int vocabularySize;
    private final List<LinearSite> sites = new ArrayList<>();
    private final List<EmbeddingSite> embeddingSites = new ArrayList<>();
    private final List<NormSite> normSites = new ArrayList<>();
    private final List<BlockSite> blockSites = new ArrayList<>();
    private final Map<String, String> weightNames = new HashMap<>(); // of layers whose weight is not their own
    private final List<String> newModules = new ArrayList<>();
    private final Lease lease;
    private @Nullable Rotary rotary;
    private @Nullable Head head;
    private List<String> taskModules = List.of();

    /**
     * Begins a model of a family.
     *
     * @param contextLength most tokens of a sequence
     * @param vocabularySize V
     */
    protected BaseModel(ModelSource source, FamilyTraits traits, int contextLength, int vocabularySize)
            throws IOException {
        ModelConfig config = source.config();
        this.traits = traits;
        this.modelType = source.modelType();
        this.weights = source.weights();
        this.backend = source.backend();
        this.directory = config.directory();
        this.fresh = new Fresh(config.number("initializer_range", 0.02), source.seed(), config);
        this.contextLength = contextLength;
        this.vocabularySize = vocabularySize;
        weights.optionalPrefix(traits.prefix());
        this.lease = new Lease("the " + modelType + " model of " + directory);
    }

    /**
     * Begins a run: makes sure that the weights last until its pass is closed, and that the batch has tokens of this model.
     *
     * @param segments number of segments that a token may be of
     * @throws IllegalStateException if the model is closed
     * @throws IllegalArgumentException if a token or segment is out of range
     */
    protected final void begin(Call call, PackedBatch batch, int segments) {
        call.pass().use(lease);
        for (Call part : call.parts()) {
            part.adapters().forEach(a -> a.requireFits(this));
        }
        requireBelow("token id", batch.ids(), vocabularySize, "Encode texts with the tokenizer of this model.");
        requireBelow("token type", batch.tokenTypes(), segments, "Give 0 where the model has no segments.");
    }

    private void requireBelow(String what, int[] values, int limit, String remedy) {
        for (int v : values) {
            if (v < 0 || v >= limit) {
                throw new IllegalArgumentException("the " + what + " " + v + " was given; this " + modelType
                        + " model has 0 to " + (limit - 1) + ". " + remedy);
            }
        }
    }

    /** Reads a linear layer whose weight is (out, in) in the file. */
    protected final Linear linear(String name, int in, int out, boolean bias) throws IOException {
        return linear(name, in, weights.matrix(name + ".weight", out, in), bias);
    }

    /** Reads a linear layer whose weight is (in, out) in the file, with a bias. */
    protected final Linear conv1d(String name, int in, int out) throws IOException {
        return linear(name, in, weights.transposedMatrix(name + ".weight", out, in), true);
    }

    private Linear linear(String name, int in, FrozenWeight weight, boolean bias) throws IOException {
        Tensor b = bias ? weights.vector(name + ".bias", weight.out()) : null;
        return addSite(new Linear(new LinearSite(name, in, weight.out(), false), weight, b));
    }

    /** A linear layer behind the base, which is new if the checkpoint has none; the output layer is one that {@code all-linear} leaves out. */
    protected final Linear newIfMissing(String name, int in, int out, boolean bias, boolean isOutput)
            throws IOException {
        boolean inFile = weights.has(name + ".weight") || weights.isNew();
        if (inFile && isOutput && !weights.isNew() && weights.rowsInCheckpoint(name + ".weight") != out) {
            LOG.warn(
                    "{}: {} of the checkpoint has {} outputs and {} were asked for, so it is left out",
                    directory,
                    name,
                    weights.rowsInCheckpoint(name + ".weight"),
                    out);
            inFile = false;
        }
        if (!inFile) {
            fresh.requireAllowed(weights, name, out, in);
            newModules.add(name);
            Fresh first = isOutput ? fresh : fresh.other();
            weights.put(name + ".weight", first.matrix(backend.dtype(), out, in), false, out, in);
            if (bias) {
                weights.put(name + ".bias", Tensor.zeros(backend.dtype(), 1, out), false, out);
            }
        }
        FrozenWeight w = weights.matrix(name + ".weight", out, in);
        Tensor b = bias ? weights.vector(name + ".bias", out) : null;
        return addSite(new Linear(new LinearSite(name, in, out, isOutput), w, b));
    }

    private Linear addSite(Linear layer) {
        sites.add(layer.site());
        if (!layer.weightName().equals(layer.site().name() + ".weight")) {
            weightNames.put(layer.site().name(), layer.weightName());
        }
        return layer;
    }

    /**
     * The output layer of a language model. Its weight is the embedding if the config says so, unless the checkpoint has another one; it is new if neither is
     * there.
     */
    protected final Linear output(LinearSite site, Embedding tokens, boolean tied) throws IOException {
        String name = site.name() + ".weight";
        boolean inFile = weights.has(name) || (weights.isNew() && !tied);
        if (tied && (!inFile || weights.repeats(name, tokens.tensorName()))) {
            return addSite(new Linear(site, tokens.tensorName(), tokens.table(), null));
        }
        if (tied) {
            LOG.warn(
                    "{}: config.json ties {} to {}, and the checkpoint has another tensor of that name, which counts",
                    directory,
                    name,
                    tokens.tensorName());
        } else if (!inFile) {
            fresh.requireAllowed(weights, site.name(), site.out(), site.in());
            newModules.add(site.name());
            Tensor w = fresh.matrix(backend.dtype(), site.out(), site.in());
            weights.put(name, w, false, site.out(), site.in());
        }
        return addSite(new Linear(site, weights.matrix(name, site.out(), site.in()), null));
    }

    /** Reads a table; that of the tokens comes first, then those of positions and segments. */
    protected final Embedding embedding(String name, int rows, int cols) throws IOException {
        EmbeddingSite site = new EmbeddingSite(name, rows, cols);
        embeddingSites.add(site);
        return new Embedding(site, weights.matrix(name + ".weight", rows, cols));
    }

    /** Reads a layer norm. */
    protected final LayerNorm layerNorm(String name, int n, double eps) throws IOException {
        normSites.add(new NormSite(name, n));
        return new LayerNorm(name, weights.vector(name + ".weight", n), weights.vector(name + ".bias", n), eps);
    }

    /** Reads an RMS norm. */
    protected final RmsNorm rmsNorm(String name, int n, double eps) throws IOException {
        normSites.add(new NormSite(name, n));
        return new RmsNorm(name, weights.vector(name + ".weight", n), eps);
    }

    /** The frequencies of rotary positions that a config asks for, in all spellings of transformers that are supported. */
    protected final float[] rotaryFrequencies(ModelConfig config, int headSize) throws IOException {
        return RotaryScaling.frequencies(config, headSize, contextLength);
    }

    /**
     * Gives the model its head; a constructor ends with it.
     *
     * @param modules that are trained whole for the task because the checkpoint may not have them
     */
    protected final void setHead(Head newHead, List<String> modules) {
        head = newHead;
        taskModules = List.copyOf(modules);
    }

    @Override
    public final Head head() {
        return Objects.requireNonNull(head, "the constructor of a model ends with setHead");
    }

    @Override
    public final List<String> taskModules() {
        return taskModules;
    }

    /**
     * A batch of tokens.
     *
     * @throws IllegalArgumentException if it is one of images
     */
    protected final PackedBatch tokens(Batch batch) {
        if (batch instanceof PackedBatch tokens) {
            return tokens;
        }
        throw new IllegalArgumentException(
                "images were given; this " + modelType + " model reads tokens. Use a model of images.");
    }

    @Override
    public final Layout layout(Call call, Batch batch) {
        return Layout.of(tokens(batch).withRowsOf(call));
    }

    @Override
    public final Layout layout(Batch batch, List<Adapter> adapters) {
        return Layout.of(tokens(batch).withRowsOf(adapters));
    }

    @Override
    public final void requireFits(String name, Example example, int rowsInFront) {
        if (!(example instanceof PackedBatch.Sequence)) {
            throw new IllegalArgumentException(
                    name + " is an image; this " + modelType + " model reads tokens. Use a model of images.");
        }
        int most = contextLength - rowsInFront;
        if (example.length() > most) {
            throw new IllegalArgumentException(
                    name + " has " + example.length() + " tokens; the context of this model has " + contextLength
                            + ", of which adapters take " + rowsInFront + ". Cut records to " + most + " tokens.");
        }
    }

    /** Closes rotary tables with the model; to be made last, since a constructor that fails closes nothing. */
    protected final Rotary own(Rotary tables) {
        rotary = tables;
        return tables;
    }

    /**
     * The embedded tokens with the rows that adapters put in front.
     *
     * @param call for layers over these rows
     * @param batch that has these rows
     */
    public record Input(Call call, PackedBatch batch, Node rows) {}

    /** Asks the input site. */
    protected static Input input(Call call, PackedBatch batch, Node embedded) {
        Input input = new Input(call, batch, embedded);
        int width = embedded.value().cols();
        for (int i = 0; i < mostAdapters(call); i++) {
            List<@Nullable Node> rows = perSequence(call, batch, i, (a, c) -> a.inputRows(c, width));
            if (rows.stream().anyMatch(Objects::nonNull)) {
                Node longer = Functions.prepend(call.pass(), input.batch.lengths(), rows, Slice.of(input.rows));
                PackedBatch longerBatch = input.batch.withRowsInFront(counts(rows));
                input = new Input(call.overTokens(longerBatch.lengths()), longerBatch, longer);
            }
        }
        return input;
    }

    /** Positions of the tokens (T): those of a sequence begin behind the keys that adapters put in front of it. */
    protected final int[] positions(Call call, PackedBatch batch) {
        int[] positions = batch.positions();
        int s = 0;
        for (Call part : call.parts()) {
            int keys = part.adapters().stream().mapToInt(Adapter::keyRowCount).sum();
            int n = call.isSplit() ? part.sequences() : batch.sequences();
            for (int end = s + n; s < end; s++) {
                for (int i = 0; i < batch.length(s); i++) {
                    positions[batch.start(s) + i] += keys;
                }
            }
        }
        return checkLength(positions);
    }

    /** Positions of the tokens; a cache that is still empty gets the keys of the adapters first. */
    final int[] places(Call call, PackedBatch batch, @Nullable KeyValueCache cache) {
        if (cache == null) {
            return positions(call, batch);
        }
        if (cache.isFresh()) {
            for (BlockSite site : blockSites) {
                if (site.kind() == BlockSite.Kind.KEYS_AND_VALUES) {
                    fill(call, batch, site, cache);
                }
            }
            cache.beginTokens();
        }
        return checkLength(cache.positions(batch));
    }

    /**
     * Puts the keys and values that adapters have for a layer into a cache that is still empty.
     *
     * @param batch of the first tokens
     */
    private static void fill(Call call, PackedBatch batch, BlockSite site, KeyValueCache cache) {
        for (int i = 0; i < mostAdapters(call); i++) {
            List<Adapter.@Nullable KeysAndValues> extra =
                    perSequence(call, batch, i, (a, c) -> a.keysAndValues(c, site));
            for (int s = 0; s < extra.size(); s++) {
                Adapter.KeysAndValues e = extra.get(s);
                if (e != null) {
                    cache.begin(site.layer(), s, e.keys().value(), e.values().value());
                }
            }
        }
    }

    /** Attends to the keys and values of each sequence and to those that adapters put in front of them. */
    protected static Node attend(
            Call call, PackedBatch batch, BlockSite site, AttentionShape shape, Slice q, Slice k, Slice v) {
        Pass pass = call.pass();
        AttentionShape s = shape;
        Slice keys = k;
        Slice values = v;
        for (int i = 0; i < mostAdapters(call); i++) {
            List<Adapter.@Nullable KeysAndValues> extra =
                    perSequence(call, batch, i, (a, c) -> a.keysAndValues(c, site));
            if (extra.stream().anyMatch(Objects::nonNull)) {
                List<@Nullable Node> extraKeys = new ArrayList<>();
                List<@Nullable Node> extraValues = new ArrayList<>();
                for (Adapter.KeysAndValues e : extra) {
                    extraKeys.add(e == null ? null : e.keys());
                    extraValues.add(e == null ? null : e.values());
                }
                keys = Slice.of(Functions.prepend(pass, s.keyCount(), extraKeys, keys));
                values = Slice.of(Functions.prepend(pass, s.keyCount(), extraValues, values));
                s = s.withKeysInFront(counts(extraKeys));
            }
        }
        return Attention.forward(pass, s, q, keys, values);
    }

    private static int mostAdapters(Call call) {
        return call.parts().stream().mapToInt(p -> p.adapters().size()).max().orElse(0);
    }

    /** What the i-th adapter of each sequence gives; asked once for sequences with the same adapters. */
    private static <T> List<@Nullable T> perSequence(
            Call call, PackedBatch batch, int i, BiFunction<Adapter, Call, @Nullable T> ask) {
        List<@Nullable T> all = new ArrayList<>();
        for (Call part : call.parts()) {
            T given = i < part.adapters().size() ? ask.apply(part.adapters().get(i), part) : null;
            int n = call.isSplit() ? part.sequences() : batch.sequences();
            for (int s = 0; s < n; s++) {
                all.add(given);
            }
        }
        return all;
    }

    private static int[] counts(List<@Nullable Node> rows) {
        return rows.stream().mapToInt(r -> r == null ? 0 : r.value().rows()).toArray();
    }

    /** Each sequence of a batch attends to itself. */
    protected static AttentionShape selfAttention(
            Pass pass,
            PackedBatch batch,
            int heads,
            int keyHeads,
            int headSize,
            double scale,
            boolean causal,
            double dropout) {
        int[] starts = batch.starts();
        int[] lengths = batch.lengths();
        double p = pass.isTraining() ? dropout : 0;
        long seed = p > 0 ? pass.nextSeed() : 0;
        return new AttentionShape(starts, lengths, starts, lengths, heads, keyHeads, headSize, scale, causal, p, seed);
    }

    /** Refuses positions that the model does not have. */
    final int[] checkLength(int[] positions) {
        for (int p : positions) {
            if (p >= contextLength) {
                throw new IllegalArgumentException("a sequence of more than " + contextLength
                        + " tokens was given, the context length of this model. Cut it.");
            }
        }
        return positions;
    }

    @Override
    public final String modelType() {
        return modelType;
    }

    @Override
    public final List<LinearSite> linearSites() {
        return Collections.unmodifiableList(sites);
    }

    @Override
    public final List<EmbeddingSite> embeddingSites() {
        return Collections.unmodifiableList(embeddingSites);
    }

    @Override
    public final List<NormSite> normSites() {
        return Collections.unmodifiableList(normSites);
    }

    @Override
    public final List<BlockSite> blockSites() {
        return Collections.unmodifiableList(blockSites);
    }

    /**
     * Adds the three places of the next block.
     *
     * @param name of the block in the checkpoint
     * @param keyWidth columns of its keys
     * @param width C
     */
    protected final void addBlock(String name, int keyWidth, int width) {
        int layer = blockSites.size() / KINDS.length;
        for (BlockSite.Kind kind : KINDS) {
            boolean keys = kind == BlockSite.Kind.KEYS_AND_VALUES;
            blockSites.add(new BlockSite(name, layer, kind, keys ? keyWidth : width));
        }
    }

    /** A place of a block. */
    protected final BlockSite site(int layer, BlockSite.Kind kind) {
        int at = KINDS.length * layer;
        while (blockSites.get(at).kind() != kind) {
            at++;
        }
        return blockSites.get(at);
    }

    @Override
    public final String weightName(LinearSite site) {
        return weightNames.getOrDefault(site.name(), site.name() + ".weight");
    }

    @Override
    public final FamilyTraits traits() {
        return traits;
    }

    @Override
    public final Backend backend() {
        return backend;
    }

    @Override
    public final Weights weights() {
        return weights;
    }

    @Override
    public final Path directory() {
        return directory;
    }

    @Override
    public final String source() {
        return directory.toString();
    }

    @Override
    public final List<String> newModules() {
        return Collections.unmodifiableList(newModules);
    }

    @Override
    public final int contextLength() {
        return contextLength;
    }

    @Override
    public final int vocabularySize() {
        return vocabularySize;
    }

    @Override
    public final Lease.Use hold() {
        return lease.hold();
    }

    /** Frees the weights, at once or when the last pass that uses them is closed. */
    @Override
    public final void close() {
        lease.close(this::free);
    }

    private void free() {
        weights.close();
        if (rotary != null) {
            rotary.close();
        }
    }
}
