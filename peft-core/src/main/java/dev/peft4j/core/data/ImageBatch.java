package dev.peft4j.core.data;

import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Images of one size.
 *
 * <p>Shapes: images (N, C · H · W), row by row: channels, then rows of pixels.
 */
public final class ImageBatch implements Batch {
    private final List<Image> images;
    private final Targets targets;

    private ImageBatch(List<Image> images, Targets targets) {
        this.images = images;
        this.targets = targets;
    }

    /**
     * One image, prepared as its model wants it.
     *
     * @param values (C, H, W), channel by channel
     * @param channels C
     * @param height H
     * @param width W
     * @param targets what is to be predicted of it
     */
    public record Image(float[] values, int channels, int height, int width, Targets targets) implements Example {
        /**
         * Checks the sizes.
         *
         * @throws BadInputException if there are not as many values as pixels
         */
        public Image {
            if (channels < 1 || height < 1 || width < 1 || values.length != (long) channels * height * width) {
                throw new BadInputException(values.length + " values were given for an image of " + channels + " x "
                        + height + " x " + width + ". Give one for each pixel and channel.");
            }
        }

        /** One, for all images of a batch have one size. */
        @Override
        public int length() {
            return 1;
        }
    }

    /**
     * Images in their order.
     *
     * @throws BadInputException if they have different sizes, or their targets are not of one kind
     */
    public static ImageBatch of(List<Image> images) {
        for (int i = 1; i < images.size(); i++) {
            Image first = images.get(0);
            Image image = images.get(i);
            if (image.channels != first.channels || image.height != first.height || image.width != first.width) {
                throw new BadInputException("image " + i + " of a batch is " + image.channels + " x "
                        + image.height
                        + " x " + image.width + ", the first one " + first.channels + " x " + first.height + " x "
                        + first.width + ". Give images of one size.");
            }
        }
        return new ImageBatch(
                List.copyOf(images),
                Targets.joined(images.stream().map(Image::targets).toList()));
    }

    /**
     * These images mixed with each other, and their targets with them: image i becomes {@code share · x[i] + (1 - share) · x[partners[i]]}. Classes become
     * {@link Targets.MixedClasses}, numbers and labels are mixed as pixels are.
     *
     * @param share of the image itself, from 0 to 1
     * @param partners (N), which may be the image itself: then it stays as it is. One that is scored has a partner that is
     * @throws BadInputException if a partner is no image of the batch, or images that are not scored are mixed with others
     */
    public ImageBatch mixed(double share, int... partners) {
        Mixture.requireShare(share);
        if (partners.length != images.size() || Arrays.stream(partners).anyMatch(p -> p < 0 || p >= images.size())) {
            throw new BadInputException("the partners " + Arrays.toString(partners) + " were given for " + images.size()
                    + " images that are to be mixed. Give each image the number of one of them.");
        }
        Targets both = Mixture.of(targets, share, partners);
        List<Image> made = new ArrayList<>();
        for (int i = 0; i < partners.length; i++) {
            Image image = images.get(i);
            float[] values =
                    partners[i] == i ? image.values : Mixture.of(image.values, images.get(partners[i]).values, share);
            made.add(new Image(values, image.channels, image.height, image.width, both.of(i)));
        }
        return new ImageBatch(List.copyOf(made), both);
    }

    @Override
    public int size() {
        return images.size();
    }

    @Override
    public int length() {
        return images.size();
    }

    @Override
    public Targets targets() {
        return targets;
    }

    /** The images, which have one size. */
    public List<Image> images() {
        return images;
    }

    /** Writes the images as rows (N, C · H · W). */
    public void writeTo(Tensor rows) {
        for (int i = 0; i < images.size(); i++) {
            rows.rows(i, 1).set(images.get(i).values);
        }
    }
}
