package dev.peft4j.models.image;

import dev.peft4j.core.data.ImageBatch;
import dev.peft4j.core.data.Targets;
import dev.peft4j.core.data.VariedImage;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.models.ModelInput;
import java.io.IOException;
import java.nio.file.Path;

/**
 * How images become what a model reads.
 *
 * @param preprocessing of all images
 * @param augmentation of those that are trained on
 */
public record ImageInput(Preprocessing preprocessing, Augmentation augmentation) implements ModelInput {
    /**
     * What the files of a checkpoint say of it, without augmentation.
     *
     * @throws dev.peft4j.core.error.BadFileException if they ask for what is not there
     */
    public static ImageInput read(Path directory) throws IOException {
        return new ImageInput(Preprocessing.read(directory), Augmentation.none());
    }

    /**
     * An input as one of images.
     *
     * @throws BadInputException if it is one of texts
     */
    public static ImageInput of(ModelInput input) {
        if (input instanceof ImageInput images) {
            return images;
        }
        throw new BadInputException("images were given, and this model reads texts. Use a model of images.");
    }

    @Override
    public ImageInput with(Augmentation varied) {
        return new ImageInput(preprocessing, varied);
    }

    /** What a model reads of a picture of which nothing is known. */
    public ImageBatch.Image prepare(Picture picture) {
        return preprocessing.apply(picture, new Targets.None(1));
    }

    /**
     * The same of a file, which is decoded when a batch needs it.
     *
     * @throws dev.peft4j.core.error.BadFileException if its header is none of an image
     */
    public VariedImage prepareLater(Path file) throws IOException {
        return ImageRecord.of(file, null).example(null, preprocessing, Augmentation.none());
    }

    /** It holds nothing. */
    @Override
    public void close() {}
}
