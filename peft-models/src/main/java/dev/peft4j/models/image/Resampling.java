package dev.peft4j.models.image;

import dev.peft4j.core.error.BadInputException;

/**
 * Filters by which an image gets another size: {@code Image.resize} of Pillow on images of 8 bits, to the same bytes. Sizes go down by averaging over all pixels that
 * a new one covers. First the rows, then the columns are filtered, each with weights of 22 binary digits and rounded to 8 bits.
 *
 * <p>Turkowski 1990, Filters for common resampling tasks; Keys 1981, Cubic convolution interpolation (with a = -1/2).
 */
public enum Resampling {
    /** The nearest pixel, without averaging. */
    NEAREST(0, 0),
    /** A windowed sinc of three lobes. */
    LANCZOS(1, 3),
    /** A triangle. */
    BILINEAR(2, 1),
    /** A cubic polynomial on each side. */
    BICUBIC(3, 2),
    /** The mean of the pixels that a new one covers. */
    BOX(4, 0.5),
    /** As sharp as {@link #BICUBIC}, as fast as {@link #BILINEAR}. */
    HAMMING(5, 1);

    private final int code;
    private final double support;

    Resampling(int code, double support) {
        this.code = code;
        this.support = support;
    }

    /** The number that Pillow and {@code preprocessor_config.json} have for it. */
    public int code() {
        return code;
    }

    /**
     * An image of another size.
     *
     * @param height rows of the result
     * @param width columns of the result
     * @throws BadInputException if one is below 1, or there would be more pixels than an image may have
     */
    public Picture resize(Picture picture, int height, int width) {
        if (height < 1 || width < 1 || (long) height * width > PictureFile.MOST_PIXELS) {
            throw new BadInputException("an image of " + width + " x " + height + " pixels was asked for; there are at"
                    + " least 1 x 1, and at most " + PictureFile.MOST_PIXELS + " pixels. Change the size.");
        }
        if (picture.height() == height && picture.width() == width) {
            return picture;
        }
        if (this == NEAREST) {
            return nearest(picture, height, width);
        }
        Picture wide = picture.width() == width
                ? picture
                : new ResampleWeights(picture.width(), width, support, this::weight).ofRows(picture);
        return picture.height() == height
                ? wide
                : new ResampleWeights(picture.height(), height, support, this::weight).ofColumns(wide);
    }

    private static Picture nearest(Picture from, int height, int width) {
        int[] rows = nearest(from.height(), height);
        int[] columns = nearest(from.width(), width);
        byte[] source = from.planes();
        byte[] planes = new byte[Math.multiplyExact(from.channels() * height, width)];
        for (int c = 0; c < from.channels(); c++) {
            for (int y = 0; y < height; y++) {
                int row = (c * from.height() + rows[y]) * from.width();
                int at = (c * height + y) * width;
                for (int x = 0; x < width; x++) {
                    planes[at + x] = source[row + columns[x]];
                }
            }
        }
        return new Picture(from.channels(), height, width, planes);
    }

    /** The old place of each new one: that under its middle, where places are added up as Pillow does. */
    private static int[] nearest(int from, int to) {
        int[] places = new int[to];
        double step = (double) from / to;
        double at = step * 0.5;
        for (int i = 0; i < to; i++) {
            places[i] = Math.min(from - 1, (int) at);
            at += step;
        }
        return places;
    }

    /** What a pixel counts at a distance from the middle of a new one, in pixels of the smaller image. */
    private double weight(double x) {
        double d = Math.abs(x);
        return switch (this) {
            case NEAREST -> 1;
            case LANCZOS -> d < 3 ? sinc(x) * sinc(x / 3) : 0;
            case BILINEAR -> Math.max(0, 1 - d);
            case BICUBIC -> cubic(d);
            case BOX -> x > -0.5 && x <= 0.5 ? 1 : 0;
            case HAMMING -> d < 1 ? sinc(x) * (0.54 + 0.46 * Math.cos(Math.PI * x)) : 0;
        };
    }

    private static double sinc(double x) {
        return x == 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
    }

    private static double cubic(double d) {
        double a = -0.5;
        if (d < 1) {
            return ((a + 2) * d - (a + 3)) * d * d + 1;
        }
        return d < 2 ? (((d - 5) * d + 8) * d - 4) * a : 0;
    }
}
