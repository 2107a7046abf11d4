package dev.peft4j.models;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.BlockSite;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.adapter.EmbeddingSite;
import dev.peft4j.core.adapter.LinearSite;
import dev.peft4j.core.adapter.NormSite;
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
import java.util.SplittableRandom;
import java.util.function.BiFunction;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** What the families share: reading layers by name, and keeping the list of their sites. */
abstract class BaseModel implements Model {
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
    private @Nullable Rotary rotary;

    BaseModel(
            String modelType, Weights weights, Backend backend, Path directory, int contextLength, int vocabularySize) {
        this.modelType = modelType;
        this.weights = weights;
        this.backend = backend;
        this.directory = directory;
        this.contextLength = contextLength;
        this.vocabularySize = vocabularySize;
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

    /** The output layer of a classifier, which is new if the checkpoint has none: N(0, deviation), bias 0. */
    final Linear classifier(String name, int in, int out, double deviation, long seed) throws IOException {
        if (!weights.has(name + ".weight")) {
            Tensor w = weights.put(name + ".weight", Tensor.allocate(backend.dtype(), out, in), false, out, in);
            RandomGenerator random = new SplittableRandom(seed);
            for (int r = 0; r < out; r++) {
                for (int c = 0; c < in; c++) {
                    w.set(r, c, random.nextGaussian(0, deviation));
                }
            }
            Tensor b = weights.put(name + ".bias", Tensor.zeros(backend.dtype(), 1, out), false, out);
            return addSite(new Linear(new LinearSite(name, in, out, true), new DenseWeight(w), b));
        }
        Tensor w = weights.matrix(name + ".weight", out, in);
        Tensor b = weights.vector(name + ".bias", out);
        return addSite(new Linear(new LinearSite(name, in, out, true), new DenseWeight(w), b));
    }

    final Linear addSite(Linear layer) {
        sites.add(layer.site());
        if (!layer.weightName().equals(layer.site().name() + ".weight")) {
            weightNames.put(layer.site().name(), layer.weightName());
        }
        return layer;
    }

    /** The output layer of a language model, whose weight may be the embedding. */
    final Linear head(LinearSite site, Embedding tokens, boolean tied) throws IOException {
        if (tied) {
            return addSite(new Linear(site, tokens.tensorName(), new DenseWeight(tokens.table()), null));
        }
        Tensor w = weights.matrix(site.name() + ".weight", site.out(), site.in());
        return addSite(new Linear(site, new DenseWeight(w), null));
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
    public final int contextLength() {
        return contextLength;
    }

    @Override
    public final int vocabularySize() {
        return vocabularySize;
    }

    @Override
    public void close() {
        weights.close();
        if (rotary != null) {
            rotary.close();
        }
    }
}
