package dev.peft4j.models;

import dev.peft4j.core.layer.BatchNorm;
import dev.peft4j.core.layer.Convolution;
import dev.peft4j.core.layer.Embedding;
import dev.peft4j.core.layer.LayerNorm;
import dev.peft4j.core.layer.Linear;
import dev.peft4j.core.layer.RmsNorm;
import dev.peft4j.core.site.BlockSite;
import dev.peft4j.core.site.ConvSite;
import dev.peft4j.core.site.EmbeddingSite;
import dev.peft4j.core.site.LinearSite;
import dev.peft4j.core.site.NormSite;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.core.weight.FrozenWeight;
import dev.peft4j.core.weight.Weights;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The layers of a model by their names in the checkpoint: reads them, makes those that it lacks, and keeps the list of their sites. */
final class LayerReader {
    private static final BlockSite.Kind[] KINDS = BlockSite.Kind.values();
    private static final Logger LOG = LoggerFactory.getLogger(LayerReader.class);

    private final Weights weights;
    private final DType dtype;
    private final Path directory;
    private final Fresh fresh;
    private final List<LinearSite> linear = new ArrayList<>();
    private final List<EmbeddingSite> embeddings = new ArrayList<>();
    private final List<NormSite> norms = new ArrayList<>();
    private final List<ConvSite> convolutions = new ArrayList<>();
    private final Set<String> statistics = new LinkedHashSet<>();
    private final List<BlockSite> blocks = new ArrayList<>();
    private final Map<String, String> weightNames = new HashMap<>(); // of layers whose weight is not their own
    private final Map<String, String> biasNames = new HashMap<>(); // of layers whose bias is not their own
    private final List<String> newModules = new ArrayList<>();
    private final List<Tensor> constants = new ArrayList<>();

    LayerReader(Weights weights, DType dtype, Path directory, Fresh fresh) {
        this.weights = weights;
        this.dtype = dtype;
        this.directory = directory;
        this.fresh = fresh;
    }

    /** Reads a linear layer whose weight is (out, in) in the file. */
    Linear linear(String name, int in, int out, boolean bias) throws IOException {
        return linear(name, in, weights.matrix(name + ".weight", out, in), bias);
    }

    /** Reads a linear layer whose weight is (in, out) in the file, with a bias. */
    Linear conv1d(String name, int in, int out) throws IOException {
        return linear(name, in, weights.transposedMatrix(name + ".weight", out, in), true);
    }

    private Linear linear(String name, int in, FrozenWeight weight, boolean bias) throws IOException {
        Tensor b = bias ? weights.vector(name + ".bias", weight.out()) : null;
        return addSite(new Linear(new LinearSite(name, in, weight.out(), false), weight, b));
    }

    /**
     * The layers of a classifier, the output layer last; those that the checkpoint does not have are new, and all are if a form was asked for that it does not have.
     *
     * @param output the output layer by the name that the family has for it, and what the classifier reads
     * @param bias whether the output layer has one; layers in front of it have
     */
    List<Linear> classifier(LinearSite output, boolean bias, ModelSource source) throws IOException {
        NewHead form = source.head();
        if (source.isHeadNew()) {
            form.requireMemory(output.in(), output.out());
        }
        List<Linear> layers = new ArrayList<>();
        Fresh first = fresh.other(); // that of a layer in front of the classifier
        int in = output.in();
        for (int width : form.layers()) {
            first = first.other();
            LinearSite site = new LinearSite(output.name() + "." + 2 * layers.size(), in, width, false);
            layers.add(newIfMissing(site, true, source.isHeadNew(), first));
            in = width;
        }
        LinearSite last = new LinearSite(form.output(output.name()), in, output.out(), true);
        layers.add(newIfMissing(last, bias, source.isHeadNew(), fresh));
        return layers;
    }

    /** A linear layer behind the base, which is new if the checkpoint has none; the output layer is one that {@code all-linear} leaves out. */
    Linear newIfMissing(LinearSite site, boolean bias) throws IOException {
        return newIfMissing(site, bias, false, site.head() ? fresh : fresh.other());
    }

    private Linear newIfMissing(LinearSite site, boolean bias, boolean isAsked, Fresh first) throws IOException {
        String name = site.name();
        int in = site.in();
        int out = site.out();
        boolean isOutput = site.head();
        boolean inFile = (weights.has(name + ".weight") && !isAsked) || weights.isNew();
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
            if (!isAsked) {
                fresh.requireAllowed(weights, name, out, in);
            }
            newModules.add(name);
            weights.put(name + ".weight", first.matrix(dtype, out, in), false, out, in);
            if (bias) {
                weights.put(name + ".bias", Tensor.zeros(dtype, 1, out), false, out);
            }
        }
        FrozenWeight w = weights.matrix(name + ".weight", out, in);
        Tensor b = bias ? weights.vector(name + ".bias", out) : null;
        return addSite(new Linear(site, w, b));
    }

    private Linear addSite(Linear layer) {
        linear.add(layer.site());
        if (!layer.weightName().equals(layer.site().name() + ".weight")) {
            weightNames.put(layer.site().name(), layer.weightName());
        }
        return layer;
    }

    /**
     * The output layer of a language model. Its weight is the embedding if the config says so, unless the checkpoint has another one; it is new if neither is
     * there.
     */
    Linear output(LinearSite site, Embedding tokens, boolean tied, @Nullable String biasName) throws IOException {
        String name = site.name() + ".weight";
        boolean inFile = weights.has(name) || (weights.isNew() && !tied);
        Tensor bias = biasName == null ? null : outputBias(site, biasName);
        String biasOrOwn = biasName == null ? site.name() + ".bias" : biasName;
        if (tied && (!inFile || weights.repeats(name, tokens.tensorName()))) {
            return addSite(new Linear(site, tokens.tensorName(), tokens.table(), biasOrOwn, bias));
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
            Tensor w = fresh.matrix(dtype, site.out(), site.in());
            weights.put(name, w, false, site.out(), site.in());
        }
        return addSite(new Linear(site, name, weights.matrix(name, site.out(), site.in()), biasOrOwn, bias));
    }

    /** Zeros, as in transformers, if the checkpoint is that of a base: nothing that an adapter would have to keep. */
    private Tensor outputBias(LinearSite site, String name) throws IOException {
        if (!weights.has(name) && !weights.isNew()) {
            weights.put(name, Tensor.zeros(dtype, 1, site.out()), false, site.out());
        }
        Tensor bias = weights.vector(name, site.out());
        String repeated = site.name() + ".bias"; // transformers ties it, and older versions saved both
        biasNames.put(site.name(), name);
        if (!repeated.equals(name) && weights.has(repeated) && !weights.repeats(repeated, name)) {
            LOG.warn("{}: the checkpoint has another {} beside {}, which counts", directory, repeated, name);
        }
        return bias;
    }

    /** Reads a table, of which one row gets no gradient; that of the tokens comes first, then those of positions and segments. */
    Embedding embedding(String name, int rows, int cols, int padding) throws IOException {
        EmbeddingSite site = new EmbeddingSite(name, rows, cols, padding);
        embeddings.add(site);
        return new Embedding(site, weights.matrix(name + ".weight", rows, cols));
    }

    /** Reads a layer norm; one without a bias adds zeros. */
    LayerNorm layerNorm(String name, int n, double eps, boolean bias) throws IOException {
        norms.add(new NormSite(name, n));
        Tensor weight = weights.vector(name + ".weight", n);
        return new LayerNorm(name, weight, bias ? weights.vector(name + ".bias", n) : zeros(n), eps);
    }

    /** A layer norm of a head, which is new if the checkpoint has none. */
    LayerNorm newNormIfMissing(String name, int n, double eps, boolean bias) throws IOException {
        if (!weights.has(name + ".weight") && !weights.isNew()) {
            newModules.add(name);
            weights.put(name + ".weight", Tensor.allocate(dtype, 1, n), false, n)
                    .fill(1);
            if (bias) {
                weights.put(name + ".bias", Tensor.zeros(dtype, 1, n), false, n);
            }
        }
        return layerNorm(name, n, eps, bias);
    }

    private Tensor zeros(int n) {
        Tensor zeros = Tensor.zeros(dtype, 1, n);
        constants.add(zeros);
        return zeros;
    }

    /** Frees what no checkpoint has. */
    void close() {
        constants.forEach(Tensor::close);
    }

    /** Reads vectors that are a tensor (1, n, cols) of no layer, as one row of all elements. */
    Tensor vectors(String name, int n, int cols) throws IOException {
        return weights.vectors(name, n, cols);
    }

    /** Reads a convolution. */
    Convolution convolution(ConvSite site, boolean bias) throws IOException {
        FrozenWeight weight = weights.convolution(
                site.name() + ".weight",
                site.out(),
                site.in() / site.groups(),
                site.kernelHeight(),
                site.kernelWidth());
        convolutions.add(site);
        return new Convolution(site, weight, bias ? weights.vector(site.name() + ".bias", site.out()) : null);
    }

    /** Reads a batch norm. */
    BatchNorm batchNorm(String name, int n, double eps, double momentum) throws IOException {
        norms.add(new NormSite(name, n));
        statistics.add(name + ".running_mean");
        statistics.add(name + ".running_var");
        return new BatchNorm(
                name,
                weights.vector(name + ".weight", n),
                weights.vector(name + ".bias", n),
                weights.vector(name + ".running_mean", n),
                weights.vector(name + ".running_var", n),
                eps,
                momentum);
    }

    /** Reads an RMS norm. */
    RmsNorm rmsNorm(String name, int n, double eps, double offset) throws IOException {
        norms.add(new NormSite(name, n));
        return new RmsNorm(name, weights.vector(name + ".weight", n), eps, offset);
    }

    /**
     * Adds the three places of the next block.
     *
     * @param name of the block in the checkpoint
     * @param keyWidth columns of its keys
     * @param width C
     */
    void addBlock(String name, int keyWidth, int width) {
        int layer = blocks.size() / KINDS.length;
        for (BlockSite.Kind kind : KINDS) {
            boolean keys = kind == BlockSite.Kind.KEYS_AND_VALUES;
            blocks.add(new BlockSite(name, layer, kind, keys ? keyWidth : width));
        }
    }

    /** A place of a block. */
    BlockSite site(int layer, BlockSite.Kind kind) {
        int at = KINDS.length * layer;
        while (blocks.get(at).kind() != kind) {
            at++;
        }
        return blocks.get(at);
    }

    String weightName(LinearSite site) {
        return weightNames.getOrDefault(site.name(), site.name() + ".weight");
    }

    String biasName(LinearSite site) {
        return biasNames.getOrDefault(site.name(), site.name() + ".bias");
    }

    List<LinearSite> linearSites() {
        return Collections.unmodifiableList(linear);
    }

    List<EmbeddingSite> embeddingSites() {
        return Collections.unmodifiableList(embeddings);
    }

    List<NormSite> normSites() {
        return Collections.unmodifiableList(norms);
    }

    List<ConvSite> convSites() {
        return Collections.unmodifiableList(convolutions);
    }

    /** Names of running means and variances. */
    Set<String> statistics() {
        return Collections.unmodifiableSet(statistics);
    }

    List<BlockSite> blockSites() {
        return Collections.unmodifiableList(blocks);
    }

    /** Modules that the checkpoint does not have. */
    List<String> newModules() {
        return Collections.unmodifiableList(newModules);
    }
}
