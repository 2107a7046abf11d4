package dev.peft4j.models.image;

import dev.peft4j.core.data.ImageBatch;
import dev.peft4j.core.data.Targets;
import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.models.image.Resize.Size;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a model reads of a picture: another size, the part in its middle, and {@code (level · scale - mean) / std} of each channel, to the bits of the processors of
 * transformers that work with Pillow. (Those that work with torchvision, whose names end in Fast or in nothing, are of one meaning with them, and differ by about a
 * level where sizes change.)
 *
 * @param channels C that the model reads: pictures become grey for 1, RGB for 3, whatever {@code do_convert_rgb} says
 * @param resize the size before the crop; null for that of the picture
 * @param resampling how it gets it
 * @param crop the part in the middle, with black around smaller pictures; null for all
 * @param scale of a level, which is 0 to 255
 * @param offset whether 1 is subtracted then, as {@code rescale_offset}
 * @param mean of each channel; none to take the values as they are
 * @param std of each channel; none where there is no mean
 * @param scaledAgain whether it is divided by {@code std} once more, as EfficientNet's {@code include_top} does; by {@code std} alone, where there is no mean
 */
public record Preprocessing(
        int channels,
        @Nullable Resize resize,
        Resampling resampling,
        @Nullable Size crop,
        double scale,
        boolean offset,
        List<Double> mean,
        List<Double> std,
        boolean scaledAgain) {
    /** Mean of the channels of ImageNet. */
    public static final List<Double> IMAGENET_MEAN = List.of(0.485, 0.456, 0.406);

    /** Standard deviation of the channels of ImageNet. */
    public static final List<Double> IMAGENET_STD = List.of(0.229, 0.224, 0.225);

    private static final int LEVELS = 256;

    /**
     * Checks the numbers.
     *
     * @throws BadInputException if there are not as many means and deviations as channels, or a deviation is 0
     */
    public Preprocessing {
        mean = List.copyOf(mean);
        std = List.copyOf(std);
        boolean counts = (mean.isEmpty() || mean.size() == channels)
                && (std.size() == channels || (std.isEmpty() && mean.isEmpty() && !scaledAgain));
        if ((channels != 1 && channels != 3) || !counts) {
            throw new BadInputException("means " + mean + " and deviations " + std + " were given for images of "
                    + channels + " channels. Give one of each for every channel, of which there are 1 or 3.");
        }
        if (!Double.isFinite(scale)
                || !mean.stream().allMatch(Double::isFinite)
                || !std.stream().allMatch(s -> Double.isFinite(s) && s.floatValue() != 0)
                || !Double.isFinite(greatest(scale, mean, std))) {
            throw new BadInputException(
                    "levels were to be scaled by " + scale + ", less " + mean + ", over " + std
                            + "; these are numbers, deviations are not 0, and what they make of levels is finite. Correct them.");
        }
    }

    /** What the levels become at most, in single precision. */
    private static float greatest(double scale, List<Double> mean, List<Double> std) {
        double most = LEVELS * Math.abs(scale)
                + mean.stream().mapToDouble(Math::abs).max().orElse(0);
        return (float) (most / std.stream().mapToDouble(Math::abs).min().orElse(1));
    }

    /** Pictures as they are, with values from 0 to 1. */
    public static Preprocessing of(int channels) {
        return new Preprocessing(
                channels, null, Resampling.BILINEAR, null, 1.0 / 255, false, List.of(), List.of(), false);
    }

    /** The size before the crop. */
    public Preprocessing withResize(@Nullable Resize size, Resampling by) {
        return new Preprocessing(channels, size, by, crop, scale, offset, mean, std, scaledAgain);
    }

    /** The part in the middle. */
    public Preprocessing withCrop(int height, int width) {
        Size size = new Size(height, width);
        return new Preprocessing(channels, resize, resampling, size, scale, offset, mean, std, scaledAgain);
    }

    /** Another factor of the levels; 1 for values from 0 to 255. */
    public Preprocessing withScale(double factor) {
        return new Preprocessing(channels, resize, resampling, crop, factor, offset, mean, std, scaledAgain);
    }

    /** Mean and deviation of each channel. */
    public Preprocessing withNormalization(List<Double> means, List<Double> deviations) {
        return new Preprocessing(channels, resize, resampling, crop, scale, offset, means, deviations, scaledAgain);
    }

    /**
     * What the files of a checkpoint say: {@code preprocessor_config.json}; or the object {@code preprocessing} of {@code config.json}, with {@code scale},
     * {@code mean} and {@code std}; or, without these, pictures of {@code image_size} if the config has one, else of 256 pixels on the shorter edge, cropped to 224,
     * with the mean and deviation of ImageNet (0.5 for grey), bilinear, as torchvision's models are evaluated.
     *
     * @throws BadFileException if it asks for what is not there, such as padding, or a processor that is not known
     */
    public static Preprocessing read(Path directory) throws IOException {
        return PreprocessingFile.read(directory);
    }

    /** As {@code preprocessor_config.json}, under the name of a processor that does the same. */
    public Map<String, Object> toJson() {
        return PreprocessingJson.of(this);
    }

    /** The size of what is made of a picture of this height and width. */
    public Size outputSize(int height, int width) {
        if (crop != null) {
            return crop;
        }
        return resize == null ? new Size(height, width) : resize.of(height, width);
    }

    /**
     * What the model reads of a picture.
     *
     * @param targets what is to be predicted of it
     */
    public ImageBatch.Image apply(Picture picture, Targets targets) {
        return values(cropped(picture.to(channels)), targets);
    }

    /** The picture in the size of the result. */
    Picture cropped(Picture picture) {
        Picture sized = picture;
        if (resize != null) {
            Size size = resize.of(picture.height(), picture.width());
            sized = resampling.resize(picture, size.height(), size.width());
        }
        if (crop == null) {
            return sized;
        }
        int top = before(sized.height(), crop.height());
        int left = before(sized.width(), crop.width());
        return sized.crop(top, left, crop.height(), crop.width());
    }

    /** What lies in front of a part in the middle: the smaller half, of pixels or (negative) of black ones. */
    private static int before(int all, int part) {
        return Math.floorDiv(all - part, 2);
    }

    /** The values of a picture that has its size. */
    ImageBatch.Image values(Picture picture, Targets targets) {
        byte[] levels = picture.planes();
        float[] values = new float[levels.length];
        int n = picture.height() * picture.width();
        for (int c = 0; c < channels; c++) {
            float[] table = table(c);
            for (int i = c * n; i < (c + 1) * n; i++) {
                values[i] = table[levels[i] & 0xff];
            }
        }
        return new ImageBatch.Image(values, channels, picture.height(), picture.width(), targets);
    }

    /** The value of each level of a channel, rounded to single precision after each step as transformers does. */
    private float[] table(int channel) {
        float[] table = new float[LEVELS];
        for (int level = 0; level < LEVELS; level++) {
            float x = (float) (level * scale);
            x = offset ? x - 1 : x;
            if (!mean.isEmpty()) {
                x = (x - mean.get(channel).floatValue()) / std.get(channel).floatValue();
            }
            table[level] = scaledAgain ? x / std.get(channel).floatValue() : x;
        }
        return table;
    }
}
