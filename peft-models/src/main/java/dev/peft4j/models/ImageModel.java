package dev.peft4j.models;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Lease;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.data.Batch;
import dev.peft4j.core.data.Example;
import dev.peft4j.core.data.ImageBatch;
import dev.peft4j.core.data.Layout;
import dev.peft4j.core.data.VariedImage;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.layer.BatchNorm;
import dev.peft4j.core.layer.Convolution;
import dev.peft4j.core.layer.FeatureMap;
import dev.peft4j.core.layer.Functions;
import dev.peft4j.core.layer.Head;
import dev.peft4j.core.layer.LayerNorm;
import dev.peft4j.core.layer.Linear;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.ConvSite;
import dev.peft4j.core.site.EmbeddingSite;
import dev.peft4j.core.site.FamilyTraits;
import dev.peft4j.core.site.LinearSite;
import dev.peft4j.core.site.NormSite;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.core.weight.Weights;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What families of images share: layers by name with their sites ({@link LayerReader}), and the way from images to their pixels. A constructor reads the config,
 * then the layers in the order of the forward pass, the classifier last.
 */
public abstract class ImageModel implements Model {
    private final FamilyTraits traits;
    private final String modelType;
    private final Weights weights;
    private final Backend backend;
    private final Path directory;
    private final int channels;
    private final LayerReader layers;
    private final Lease lease;
    private final int outputs;
    private final List<String> blocks = new ArrayList<>();
    private @Nullable Head head;
    private List<String> taskModules = List.of();

    /**
     * Begins a model of a family.
     *
     * @param channels of the images that it reads
     */
    protected ImageModel(ModelSource source, FamilyTraits traits, int channels) throws IOException {
        ModelConfig config = source.config();
        this.traits = traits;
        this.modelType = source.modelType();
        this.weights = source.weights();
        this.backend = source.backend();
        this.directory = config.directory();
        this.channels = channels;
        this.outputs = config.outputs(source.outputs());
        weights.namedInFiles(traits.prefix(), traits.olderNames()::other);
        weights.namedElsewhere(traits.namesElsewhere()::ours, traits.namesElsewhere()::other);
        Fresh fresh = new Fresh(config.number("initializer_range", 0.02), source.seed(), config);
        this.layers = new LayerReader(weights, backend.dtype(), directory, fresh);
        this.lease = new Lease("the " + modelType + " model of " + directory);
    }

    /** Reads a convolution. */
    protected final Convolution convolution(ConvSite site, boolean bias) throws IOException {
        return layers.convolution(site, bias);
    }

    /** Reads a batch norm. */
    protected final BatchNorm batchNorm(String name, int n, double eps, double momentum) throws IOException {
        return layers.batchNorm(name, n, eps, momentum);
    }

    /** Reads a linear layer with a bias. */
    protected final Linear linear(String name, int in, int out) throws IOException {
        return layers.linear(name, in, out, true);
    }

    /** Reads a linear layer. */
    protected final Linear linear(String name, int in, int out, boolean bias) throws IOException {
        return layers.linear(name, in, out, bias);
    }

    /** Reads a layer norm. */
    protected final LayerNorm layerNorm(String name, int n, double eps) throws IOException {
        return layers.layerNorm(name, n, eps, true);
    }

    /** Reads vectors that are a tensor (1, n, cols) of no layer, as one row of all elements. */
    protected final Tensor vectors(String name, int n, int cols) throws IOException {
        return layers.vectors(name, n, cols);
    }

    /** Names the next block, where it is no element of the outermost list of the checkpoint. */
    protected final void addBlock(String name) {
        blocks.add(name);
    }

    /**
     * Gives the model its classifier, which is new if the checkpoint has none; a constructor ends with it.
     *
     * @param width features of an image
     */
    protected final void setClassifier(ModelSource source, int width) throws IOException {
        String module = Objects.requireNonNull(traits.head(TaskType.IMAGE_CLS)).module();
        Linear output = layers.newIfMissing(new LinearSite(module, width, outputs, true), true);
        head = SequenceHead.ofImages(output, source.config().problemType(outputs));
        taskModules = List.of(module);
    }

    /** What the classifier reads of each image: (N, width). */
    protected abstract Node features(Call call, FeatureMap images);

    @Override
    public final Node hidden(Call call, Batch batch, int @Nullable [] rows) {
        Pass pass = call.pass();
        pass.use(lease);
        call.parts().forEach(part -> part.adapters().forEach(a -> a.requireFits(this)));
        Node all = features(call, pixels(pass, images(batch)));
        return rows == null || rows.length == all.value().rows() ? all : Functions.rows(pass, all, rows);
    }

    /** The images as pixels: they are given channel by channel. */
    private FeatureMap pixels(Pass pass, ImageBatch batch) {
        ImageBatch.Image first = batch.images().get(0);
        int count = first.height() * first.width();
        int mark = pass.begin();
        Tensor given = pass.allocate(batch.size(), channels * count);
        Tensor turned = pass.allocate(batch.size(), channels * count);
        batch.writeTo(given);
        backend.kernels().images().channelsLast(count, given, turned);
        Node pixels = pass.end(mark, pass.node(turned.reshape(batch.size() * count, channels)));
        return new FeatureMap(pixels, batch.size(), first.height(), first.width());
    }

    private ImageBatch images(Batch batch) {
        if (!(batch instanceof ImageBatch images)) {
            throw new BadInputException("a batch of texts was given, and a " + modelType
                    + " model reads images. Give images, or use a model of texts.");
        }
        for (ImageBatch.Image image : images.images()) {
            require("", image);
        }
        return images;
    }

    private void require(String name, int given) {
        if (given != channels) {
            throw new BadInputException(name + "an image of " + given + " channels was given, and this " + modelType
                    + " model reads " + channels + ". Convert the images.");
        }
    }

    private void require(String name, ImageBatch.Image image) {
        require(name, image.channels());
        requireSize(name, image.height(), image.width());
    }

    /**
     * Makes sure that the model reads images of a size; most read all.
     *
     * @param name of the image with what stands behind it in a message; empty for none
     * @throws BadInputException if it does not
     */
    protected void requireSize(String name, int height, int width) {}

    @Override
    public final Layout layout(Call call, Batch batch) {
        return Layout.of(images(batch));
    }

    @Override
    public final Layout layout(Batch batch, List<Adapter> adapters) {
        return Layout.of(images(batch));
    }

    @Override
    public final void requireFits(String name, Example example, int rowsInFront) {
        if (example instanceof VariedImage image) {
            require(name + ": ", image.channels());
            return;
        }
        if (!(example instanceof ImageBatch.Image image)) {
            throw new BadInputException(name + " is a text, and a " + modelType
                    + " model reads images. Give images, or use a model of texts.");
        }
        require(name + ": ", image);
    }

    @Override
    public final Head head() {
        return Objects.requireNonNull(head, "the constructor of a model ends with setClassifier");
    }

    @Override
    public final List<String> taskModules() {
        return taskModules;
    }

    @Override
    public final String modelType() {
        return modelType;
    }

    @Override
    public final FamilyTraits traits() {
        return traits;
    }

    @Override
    public final List<LinearSite> linearSites() {
        return layers.linearSites();
    }

    @Override
    public final List<ConvSite> convSites() {
        return layers.convSites();
    }

    @Override
    public final List<EmbeddingSite> embeddingSites() {
        return List.of();
    }

    @Override
    public final List<NormSite> normSites() {
        return layers.normSites();
    }

    @Override
    public final List<String> blocks() {
        return blocks.isEmpty() ? Model.super.blocks() : Collections.unmodifiableList(blocks);
    }

    @Override
    public final Set<String> statistics() {
        return layers.statistics();
    }

    @Override
    public final List<String> newModules() {
        return layers.newModules();
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
    public final List<String> files() throws IOException {
        return ModelFiles.of(directory);
    }

    @Override
    public final String source() {
        return directory.toString();
    }

    @Override
    public final int contextLength() {
        return 0;
    }

    @Override
    public final int vocabularySize() {
        return 0;
    }

    @Override
    public final Backend backend() {
        return backend;
    }

    @Override
    public final Lease.Use hold() {
        return lease.hold();
    }

    /** Frees the weights, at once or when the last pass that uses them is closed. */
    @Override
    public final void close() {
        lease.close(() -> {
            weights.close();
            layers.close();
        });
    }
}
