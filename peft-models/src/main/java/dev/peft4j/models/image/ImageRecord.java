package dev.peft4j.models.image;

import dev.peft4j.core.data.ImageBatch;
import dev.peft4j.core.data.ProblemType;
import dev.peft4j.core.data.Targets;
import dev.peft4j.core.data.VariedImage;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.models.ModelInput;
import dev.peft4j.models.data.Labels;
import dev.peft4j.models.data.RecordImage;
import dev.peft4j.models.data.TextRecord;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A picture and what it shows. Of a file the header has been read; its pixels are decoded when they are asked for, so that thousands of records take little memory. */
public final class ImageRecord implements RecordImage {
    private final @Nullable Path file;
    private final @Nullable Picture picture; // where there is no file
    private final int height;
    private final int width;
    private final @Nullable String label;
    private final String place;
    private final String identity;

    private ImageRecord(
            @Nullable Path file,
            @Nullable Picture picture,
            PictureFile.Header size,
            @Nullable String label,
            String place,
            String identity) {
        this.file = file;
        this.picture = picture;
        this.height = size.height();
        this.width = size.width();
        this.label = label;
        this.place = place;
        this.identity = identity;
    }

    /**
     * A file.
     *
     * @param label what it shows; null for none
     * @throws dev.peft4j.core.error.BadFileException if there is none, or its header is none of an image
     */
    public static ImageRecord of(Path file, @Nullable String label) throws IOException {
        return of(file, label, file.toString());
    }

    /** The same of a file that a line of another one names. */
    static ImageRecord of(Path file, @Nullable String label, String place) throws IOException {
        PictureFile.Header size = PictureFile.header(file);
        String identity = file.getFileName() + " of " + Files.size(file) + " bytes " + PictureFile.checksum(file);
        return new ImageRecord(file, null, size, label, place, identity);
    }

    /**
     * A picture that is there.
     *
     * @param label what it shows; null for none
     * @param place for messages
     */
    public static ImageRecord of(Picture picture, @Nullable String label, String place) {
        PictureFile.Header size = new PictureFile.Header(picture.height(), picture.width());
        String identity = picture + " " + Arrays.hashCode(picture.planes());
        return new ImageRecord(null, picture, size, label, place, identity);
    }

    /** Rows H of the picture. */
    public int height() {
        return height;
    }

    /** Columns W of the picture. */
    public int width() {
        return width;
    }

    /** What it shows, as it is written; null for none. */
    public @Nullable String label() {
        return label;
    }

    /** The file, or file and line or number, for messages. */
    public String place() {
        return place;
    }

    /** The file; null of a picture that came from none of its own. */
    public @Nullable Path file() {
        return file;
    }

    /**
     * The picture, which is decoded by each call if it is a file.
     *
     * @throws dev.peft4j.core.error.BadFileException if that is damaged, or is there no more
     */
    public Picture picture() throws IOException {
        return picture != null ? picture : Picture.read(Objects.requireNonNull(file, "a record has one of both"));
    }

    /** The picture as a record, whose text is where it is. */
    public TextRecord labelled() {
        return new TextRecord("", file == null ? place : file.toString(), label, place, this);
    }

    @Override
    public VariedImage example(Labels labels, ModelInput input) {
        ImageInput images = ImageInput.of(input);
        return example(labels, images.preprocessing(), images.augmentation());
    }

    @Override
    public void requireSizeOf(RecordImage other, ModelInput input) {
        if (other instanceof ImageRecord first) {
            requireSizeOf(first, ImageInput.of(input).preprocessing());
        }
    }

    @Override
    public byte[] thumbnail(int side) throws IOException {
        Picture whole = picture();
        double factor = Math.min(1, (double) side / Math.max(height, width));
        int rows = Math.max(1, (int) Math.round(factor * height));
        int columns = Math.max(1, (int) Math.round(factor * width));
        return (factor < 1 ? Resampling.BICUBIC.resize(whole, rows, columns) : whole).toPng();
    }

    /** A thin picture may get an edge that is too long before it is cropped. */
    private void requireResizable(Preprocessing preprocessing) {
        Resize resize = preprocessing.resize();
        try {
            if (resize != null) {
                resize.of(height, width);
            }
        } catch (BadInputException e) {
            throw new BadInputException(
                    place + ": an image of " + height + " x " + width + " was to be resized, and " + e.getMessage(), e);
        }
    }

    private void requireSizeOf(ImageRecord first, Preprocessing preprocessing) {
        requireResizable(preprocessing);
        Resize.Size size = preprocessing.outputSize(height, width);
        Resize.Size wanted = preprocessing.outputSize(first.height, first.width);
        if (!size.equals(wanted)) {
            throw new BadInputException(place + ": images of one size are read, and this one of " + height + " x "
                    + width + " becomes " + size.height() + " x " + size.width() + ", the first one "
                    + wanted.height() + " x " + wanted.width()
                    + ". Give the preprocessing a crop, or a height and a width.");
        }
    }

    /**
     * What a model reads of it, made when a batch needs it.
     *
     * @param labels null where nothing is predicted
     * @param augmentation of each epoch of training; evaluation always reads the picture as it is
     * @throws BadInputException with its place, if it has no label or one that is not among these
     */
    public VariedImage example(@Nullable Labels labels, Preprocessing preprocessing, Augmentation augmentation) {
        Targets targets = labels == null ? new Targets.None(1) : targets(labels);
        boolean varies = !augmentation.equals(Augmentation.none());
        return new VariedImage(
                identity + ", " + preprocessing + ", " + augmentation,
                preprocessing.channels(),
                targets,
                () -> preprocessing.apply(decoded(), targets),
                varies ? seed -> varied(preprocessing, augmentation, seed, targets) : null);
    }

    private ImageBatch.Image varied(
            Preprocessing preprocessing, Augmentation augmentation, long seed, Targets targets) {
        Picture varied = augmentation.vary(decoded().to(preprocessing.channels()), preprocessing, seed);
        return preprocessing.values(varied, targets);
    }

    private Targets targets(Labels labels) {
        TextRecord text = labelled();
        if (labels.problem() == ProblemType.SINGLE_LABEL_CLASSIFICATION) {
            return new Targets.Classes(new int[] {labels.classOf(text)});
        }
        float[] values = labels.valuesOf(text);
        return labels.problem() == ProblemType.REGRESSION
                ? new Targets.Numbers(values, values.length)
                : new Targets.LabelSets(values, values.length);
    }

    private Picture decoded() {
        try {
            return picture();
        } catch (IOException e) {
            throw new UncheckedIOException(e.getMessage(), e);
        }
    }
}
