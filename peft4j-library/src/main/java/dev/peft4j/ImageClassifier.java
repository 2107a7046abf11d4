package dev.peft4j;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.data.Example;
import dev.peft4j.core.data.ProblemType;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.error.WrongUseException;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.models.data.Labels;
import dev.peft4j.models.hub.HubPath;
import dev.peft4j.models.image.ImageInput;
import dev.peft4j.models.image.Picture;
import dev.peft4j.run.ExampleReader;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Says the labels of images, which are prepared as {@code preprocessor_config.json} of the model asks for. Any number of threads may use one. Whoever opened it, or got
 * it from a {@link FineTuned} or {@link ImageModel}, closes it: that frees its working memory, and the model if it was opened with it.
 */
public final class ImageClassifier implements AutoCloseable {
    private static final String DONE = "classified";

    private final ImageInput input;
    private final ExampleReader reader;
    private final Labels labels;

    ImageClassifier(Base base, Function<Pass, Call> calls, Labels labels, Runnable onClose) {
        this.input = ImageInput.of(base.input());
        this.reader = new ExampleReader(base.model(), calls, false, onClose);
        this.labels = labels;
    }

    /**
     * Opens a checkpoint that has a head: a classifier as it comes from the hub, or one that was merged.
     *
     * @throws dev.peft4j.core.error.BadFileException if the directory holds no model that can be read
     * @throws BadInputException if the model has no trained head
     */
    public static ImageClassifier open(Path base) throws IOException {
        return open(base, null);
    }

    /**
     * Opens a base and an adapter of a classifier, whose labels are those that it was trained with.
     *
     * @param adapter null for none
     * @throws dev.peft4j.core.error.BadFileException if a directory holds no such thing, or the adapter is for another base
     */
    public static ImageClassifier open(Path base, @Nullable Path adapter) throws IOException {
        return Views.open(base, null, TaskType.IMAGE_CLS, adapter).imageClassifier();
    }

    /**
     * Opens a checkpoint that has a head by a name: of a directory, or of a repository of a hub, {@code hub:org/name} or {@code hub:org/name@revision}, which is
     * downloaded ({@link HubPath}).
     *
     * @throws IOException as {@link #open(Path)}, or if the hub does not have it or cannot be reached
     */
    public static ImageClassifier open(String base) throws IOException {
        return open(HubPath.of(base));
    }

    /** The labels in the order of the outputs: names, or numbers from 0. */
    public List<String> labels() {
        return IntStream.range(0, labels.outputs()).mapToObj(labels::name).toList();
    }

    /**
     * The label of an image in a file: PNG, JPEG, GIF, BMP, or what ImageIO reads besides.
     *
     * @throws dev.peft4j.core.error.BadFileException if it is no image, damaged, or too large
     * @throws WrongUseException if it is closed
     */
    public Prediction classify(Path file) throws IOException {
        reader.requireOpen(DONE);
        return classify(Picture.read(file));
    }

    /** The same of an image that a stream has, which stays open. */
    public Prediction classify(InputStream stream) throws IOException {
        reader.requireOpen(DONE);
        return classify(Picture.read(stream, "the image of a stream"));
    }

    /** The same of an image of Java. */
    public Prediction classify(BufferedImage image) {
        reader.requireOpen(DONE);
        return classify(Picture.of(image));
    }

    private Prediction classify(Picture picture) {
        return predictions(List.of(input.prepare(picture))).get(0);
    }

    /**
     * The labels of images in files, in their order; many at once are faster than one after the other.
     *
     * @throws dev.peft4j.core.error.BadFileException as {@link #classify(Path)}, for the first file that is none
     */
    public List<Prediction> classify(List<Path> files) throws IOException {
        reader.requireOpen(DONE);
        List<Example> images = new ArrayList<>();
        for (Path file : files) {
            images.add(input.prepareLater(file));
        }
        try {
            return predictions(images);
        } catch (UncheckedIOException e) { // of a file that is decoded where its batch begins
            throw e.getCause();
        }
    }

    /**
     * The numbers that a regression model predicts of an image, one for each output.
     *
     * @throws BadInputException if the model predicts labels
     * @throws dev.peft4j.core.error.BadFileException if the file is no image, damaged, or too large
     */
    public double[] predict(Path file) throws IOException {
        if (labels.problem() != ProblemType.REGRESSION) {
            throw new BadInputException(
                    "numbers were asked for, and this model predicts the labels " + labels() + ". Use classify.");
        }
        reader.requireOpen(DONE);
        return reader.outputs(List.of(input.prepare(Picture.read(file))), DONE).get(0)[0];
    }

    private List<Prediction> predictions(List<? extends Example> images) {
        if (labels.problem() == ProblemType.REGRESSION) {
            throw new BadInputException("labels were asked for, and this model predicts " + labels.outputs()
                    + " numbers of an image. Use predict.");
        }
        return reader.outputs(images, DONE).stream()
                .map(rows -> Prediction.of(labels, rows[0]))
                .toList();
    }

    /** Frees the working memory, and the model if it was opened with it. */
    @Override
    public void close() {
        reader.close();
    }
}
