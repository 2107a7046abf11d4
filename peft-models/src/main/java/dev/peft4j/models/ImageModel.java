package dev.peft4j.models;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.data.Batch;
import dev.peft4j.core.data.Example;
import dev.peft4j.core.data.ImageBatch;
import dev.peft4j.core.data.Layout;
import dev.peft4j.core.data.ProblemType;
import dev.peft4j.core.data.VariedImage;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.layer.BatchNorm;
import dev.peft4j.core.layer.Convolution;
import dev.peft4j.core.layer.FeatureMap;
import dev.peft4j.core.layer.Functions;
import dev.peft4j.core.layer.Linear;
import dev.peft4j.core.site.ConvSite;
import dev.peft4j.core.site.FamilyTraits;
import dev.peft4j.core.site.LinearSite;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.core.tensor.Tensor;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What families of images share: the way from images to their pixels. A constructor reads the config,
 * then the layers in the order of the forward pass, the classifier last.
 */
public abstract class ImageModel extends LayeredModel {
    private final int channels;
    private final int outputs;
    private final List<String> blocks = new ArrayList<>();

    /**
     * Begins a model of a family.
     *
     * @param channels of the images that it reads
     */
    protected ImageModel(ModelSource source, FamilyTraits traits, int channels) throws IOException {
        super(source, traits);
        this.channels = channels;
        this.outputs = source.config().outputs(source.outputs());
    }

    /** Reads a convolution. */
    protected final Convolution convolution(ConvSite site, boolean bias) throws IOException {
        return reader.convolution(site, bias);
    }

    /** Reads a batch norm. */
    protected final BatchNorm batchNorm(String name, int n, double eps, double momentum) throws IOException {
        return reader.batchNorm(name, n, eps, momentum);
    }

    /** Reads a linear layer with a bias. */
    protected final Linear linear(String name, int in, int out) throws IOException {
        return linear(name, in, out, true);
    }

    /** Reads vectors that are a tensor (1, n, cols) of no layer, as one row of all elements. */
    protected final Tensor vectors(String name, int n, int cols) throws IOException {
        return reader.vectors(name, n, cols);
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
        source.head().requireNoMean(modelType(), "the mean over the pixels, or all of them, already");
        setClassifierOfRows(source, width);
    }

    /** The same of a model whose features are one of several rows, or their mean. */
    final void setClassifierOfRows(ModelSource source, int width) throws IOException {
        String module =
                Objects.requireNonNull(traits().head(TaskType.IMAGE_CLS)).module();
        List<Linear> classifier = reader.classifier(new LinearSite(module, width, outputs, true), true, source);
        ProblemType problem = source.config().problemType(outputs);
        setHead(SequenceHead.ofImages(classifier, problem, source.head()), List.of(module));
    }

    /** What the classifier reads of each image: (N, width). */
    protected abstract Node features(Call call, FeatureMap images);

    @Override
    public final Node hidden(Call call, Batch batch, int @Nullable [] rows) {
        Pass pass = call.pass();
        begin(call);
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
        backend().kernels().images().channelsLast(count, given, turned);
        Node pixels = pass.end(mark, pass.node(turned.reshape(batch.size() * count, channels)));
        return new FeatureMap(pixels, batch.size(), first.height(), first.width());
    }

    private ImageBatch images(Batch batch) {
        if (!(batch instanceof ImageBatch images)) {
            throw new BadInputException("a batch of texts was given, and a " + modelType()
                    + " model reads images. Give images, or use a model of texts.");
        }
        for (ImageBatch.Image image : images.images()) {
            require("", image);
        }
        return images;
    }

    private void require(String name, int given) {
        if (given != channels) {
            throw new BadInputException(name + "an image of " + given + " channels was given, and this " + modelType()
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
            throw new BadInputException(name + " is a text, and a " + modelType()
                    + " model reads images. Give images, or use a model of texts.");
        }
        require(name + ": ", image);
    }

    @Override
    public final List<String> blocks() {
        return blocks.isEmpty() ? super.blocks() : Collections.unmodifiableList(blocks);
    }

    @Override
    public final int contextLength() {
        return 0;
    }

    @Override
    public final int vocabularySize() {
        return 0;
    }
}
