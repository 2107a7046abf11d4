package dev.peft4j.models;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.BlockSite;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.adapter.EmbeddingSite;
import dev.peft4j.core.adapter.LinearSite;
import dev.peft4j.core.adapter.NormSite;
import dev.peft4j.core.autograd.Lease;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.layer.Attention;
import dev.peft4j.core.layer.Attention.Slice;
import dev.peft4j.core.layer.Embedding;
import dev.peft4j.core.layer.Functions;
import dev.peft4j.core.layer.LayerNorm;
import dev.peft4j.core.layer.Linear;
import dev.peft4j.core.layer.RmsNorm;
import dev.peft4j.core.layer.Rotary;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.model.PackedBatch;
import dev.peft4j.core.model.Weights;
import dev.peft4j.core.tensor.AttentionShape;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.DenseWeight;
import dev.peft4j.core.tensor.Tensor;
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

/** What the families share: reading layers by name, and keeping the list of their sites. */
abstract class BaseModel implements Model {
    private static final Logger LOG = LoggerFactory.getLogger(BaseModel.class);

    private final String modelType;
    private final Weights weights;
    private final Backend backend;
    private final Path directory;
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

    BaseModel(
            String modelType, Weights weights, Backend backend, Path directory, int contextLength, int vocabularySize) {
        this.modelType = modelType;
        this.weights = weights;
        this.backend = backend;
        this.directory = directory;
        this.contextLength = contextLength;
        this.vocabularySize = vocabularySize;
        this.lease = new Lease("the " + modelType + " model of " + directory);
    }

    /**
     * Begins a run: makes sure that the weights last until its pass is closed, and that the batch has tokens of this model.
     *
     * @param segments number of segments that a token may be of
     * @throws IllegalStateException if the model is closed
     * @throws IllegalArgumentException if a token or segment is out of range
     */
    final void begin(Call call, PackedBatch batch, int segments) {
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

    /** A linear layer whose weight is (out, in) in the file. */
    final Linear linear(String name, int in, int out, boolean bias) throws IOException {
        return linear(name, in, weights.matrix(name + ".weight", out, in), bias);
    }

    /** A linear layer whose weight is (in, out) in the file, with a bias. */
    final Linear conv1d(String name, int in, int out) throws IOException {
        return linear(name, in, weights.transposedMatrix(name + ".weight", out, in), true);
    }

    private Linear linear(String name, int in, Tensor weight, boolean bias) throws IOException {
        Tensor b = bias ? weights.vector(name + ".bias", weight.rows()) : null;
        return addSite(new Linear(new LinearSite(name, in, weight.rows(), false), new DenseWeight(weight), b));
    }

    /** A linear layer behind the base, with a bias, which is new if the checkpoint has none; the output layer is one that {@code all-linear} leaves out. */
    final Linear newIfMissing(String name, int in, int out, boolean head, Fresh fresh) throws IOException {
        boolean inFile = weights.has(name + ".weight");
        if (inFile && head && weights.rowsInCheckpoint(name + ".weight") != out) {
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
            weights.put(name + ".weight", fresh.matrix(backend.dtype(), out, in), false, out, in);
            weights.put(name + ".bias", Tensor.zeros(backend.dtype(), 1, out), false, out);
        }
        Tensor w = weights.matrix(name + ".weight", out, in);
        Tensor b = weights.vector(name + ".bias", out);
        return addSite(new Linear(new LinearSite(name, in, out, head), new DenseWeight(w), b));
    }

    final Linear addSite(Linear layer) {
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
    final Linear head(LinearSite site, Embedding tokens, boolean tied, Fresh fresh) throws IOException {
        String name = site.name() + ".weight";
        boolean inFile = weights.has(name);
        if (tied && (!inFile || weights.repeats(name, tokens.table()))) {
            return addSite(new Linear(site, tokens.tensorName(), new DenseWeight(tokens.table()), null));
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
        return addSite(new Linear(site, new DenseWeight(weights.matrix(name, site.out(), site.in())), null));
    }

    final Embedding embedding(String name, int rows, int cols) throws IOException {
        EmbeddingSite site = new EmbeddingSite(name, rows, cols);
        embeddingSites.add(site);
        return new Embedding(site, weights.matrix(name + ".weight", rows, cols));
    }

    final LayerNorm layerNorm(String name, int n, double eps) throws IOException {
        normSites.add(new NormSite(name, n));
        return new LayerNorm(name, weights.vector(name + ".weight", n), weights.vector(name + ".bias", n), eps);
    }

    final RmsNorm rmsNorm(String name, int n, double eps) throws IOException {
        normSites.add(new NormSite(name, n));
        return new RmsNorm(name, weights.vector(name + ".weight", n), eps);
    }

    /** Closes the tables with the model. */
    final Rotary own(Rotary tables) {
        rotary = tables;
        return tables;
    }

    /**
     * The embedded tokens with the rows that adapters put in front.
     *
     * @param call for layers over these rows
     * @param batch that has these rows
     */
    record Input(Call call, PackedBatch batch, Node rows) {}

    /** Asks the input site. */
    static Input input(Call call, PackedBatch batch, Node embedded) {
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
    final int[] positions(Call call, PackedBatch batch) {
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
    static Node attend(Call call, PackedBatch batch, BlockSite site, AttentionShape shape, Slice q, Slice k, Slice v) {
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
    static AttentionShape selfAttention(
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

    /** The three places of a block. */
    final void addBlock(BlockSite keys, BlockSite attention, BlockSite feedForward) {
        blockSites.addAll(List.of(keys, attention, feedForward));
    }

    @Override
    public final String weightName(LinearSite site) {
        return weightNames.getOrDefault(site.name(), site.name() + ".weight");
    }

    @Override
    public boolean fanInFanOut() {
        return false;
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
