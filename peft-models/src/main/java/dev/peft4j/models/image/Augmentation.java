package dev.peft4j.models.image;

import dev.peft4j.core.error.BadInputException;
import java.util.SplittableRandom;

/**
 * What chance changes of a picture in an epoch: which part of it is seen, its left and right, its colours. Ranges and formulas are those of torchvision on images
 * of Pillow; what is drawn follows from the seed of the run, the epoch and the record, so that a run that goes on sees the same images.
 *
 * @param leastArea of {@code RandomResizedCrop}: a part of this share of the picture at least, of a ratio from 3/4 to 4/3, gets the size of the result; 1 for all
 * @param padding of {@code RandomCrop}: so many black pixels on each side, of which a part as large as the picture is seen; 0 for none
 * @param flip probability of {@code RandomHorizontalFlip}
 * @param brightness of {@code ColorJitter}: a factor from {@code 1 - brightness} to {@code 1 + brightness}; 0 for none
 * @param contrast a factor of the distance from the mean grey
 * @param saturation a factor of the distance from grey
 * @param hue a part of the circle of colours, at most 0.5, to either side
 */
public record Augmentation(
        double leastArea, int padding, double flip, double brightness, double contrast, double saturation, double hue) {
    private static final int TRIES = 10;
    private static final double WIDEST = 4.0 / 3;

    /** Checks the ranges. */
    public Augmentation {
        require("leastArea", leastArea, Double.MIN_VALUE, 1);
        require("padding", padding, 0, 1 << 12);
        require("flip", flip, 0, 1);
        require("brightness", brightness, 0, 10);
        require("contrast", contrast, 0, 10);
        require("saturation", saturation, 0, 10);
        require("hue", hue, 0, 0.5);
    }

    private static void require(String name, double value, double least, double most) {
        if (!(value >= least && value <= most)) {
            throw new BadInputException("images were to be varied with " + name + " " + value + "; it is from "
                    + (least == Double.MIN_VALUE ? "above 0" : least) + " to " + most + ". Change it.");
        }
    }

    /** Nothing is changed. */
    public static Augmentation none() {
        return new Augmentation(1, 0, 0, 0, 0, 0, 0);
    }

    /** A part of the picture, of at least this share of it. */
    public Augmentation withLeastArea(double share) {
        return new Augmentation(share, padding, flip, brightness, contrast, saturation, hue);
    }

    /** The picture moved by at most so many pixels. */
    public Augmentation withPadding(int pixels) {
        return new Augmentation(leastArea, pixels, flip, brightness, contrast, saturation, hue);
    }

    /** Mirrored with this probability. */
    public Augmentation withFlip(double probability) {
        return new Augmentation(leastArea, padding, probability, brightness, contrast, saturation, hue);
    }

    /** Other colours. */
    public Augmentation withColors(double ofBrightness, double ofContrast, double ofSaturation, double ofHue) {
        return new Augmentation(leastArea, padding, flip, ofBrightness, ofContrast, ofSaturation, ofHue);
    }

    /** A picture in the size of the result of a preprocessing, varied. */
    Picture vary(Picture picture, Preprocessing preprocessing, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        Picture p = leastArea < 1 ? part(picture, preprocessing, random) : preprocessing.cropped(picture);
        if (padding > 0) {
            int top = random.nextInt(2 * padding + 1) - padding;
            int left = random.nextInt(2 * padding + 1) - padding;
            p = p.crop(top, left, p.height(), p.width());
        }
        if (flip > 0 && random.nextDouble() < flip) {
            p = p.flipped();
        }
        return jitter(p, random);
    }

    /** A part of a drawn area and ratio, or the widest one in the middle if none fits. */
    private Picture part(Picture picture, Preprocessing preprocessing, SplittableRandom random) {
        Resize.Size size = preprocessing.outputSize(picture.height(), picture.width());
        double area = (double) picture.height() * picture.width();
        for (int i = 0; i < TRIES; i++) {
            double wanted = area * between(random, leastArea, 1);
            double ratio = Math.exp(between(random, -Math.log(WIDEST), Math.log(WIDEST)));
            int width = (int) Math.rint(Math.sqrt(wanted * ratio));
            int height = (int) Math.rint(Math.sqrt(wanted / ratio));
            if (width > 0 && width <= picture.width() && height > 0 && height <= picture.height()) {
                int top = random.nextInt(picture.height() - height + 1);
                int left = random.nextInt(picture.width() - width + 1);
                Picture part = picture.crop(top, left, height, width);
                return preprocessing.resampling().resize(part, size.height(), size.width());
            }
        }
        double ratio = (double) picture.width() / picture.height();
        int width = ratio > WIDEST ? (int) Math.rint(picture.height() * WIDEST) : picture.width();
        int height = ratio < 1 / WIDEST ? (int) Math.rint(picture.width() * WIDEST) : picture.height();
        Picture part = picture.crop((picture.height() - height) / 2, (picture.width() - width) / 2, height, width);
        return preprocessing.resampling().resize(part, size.height(), size.width());
    }

    /** Colours in a drawn order. */
    private Picture jitter(Picture picture, SplittableRandom random) {
        int[] order = {0, 1, 2, 3};
        for (int i = order.length - 1; i > 0; i--) {
            int j = random.nextInt(i + 1);
            int swap = order[i];
            order[i] = order[j];
            order[j] = swap;
        }
        float ofBrightness = factor(random, brightness);
        float ofContrast = factor(random, contrast);
        float ofSaturation = factor(random, saturation);
        double ofHue = between(random, -hue, hue);
        Picture p = picture;
        for (int step : order) {
            p = switch (step) {
                case 0 -> brightness > 0 ? Colors.brightness(p, ofBrightness) : p;
                case 1 -> contrast > 0 ? Colors.contrast(p, ofContrast) : p;
                case 2 -> saturation > 0 ? Colors.saturation(p, ofSaturation) : p;
                default -> hue > 0 ? Colors.hue(p, ofHue) : p;
            };
        }
        return p;
    }

    private static float factor(SplittableRandom random, double range) {
        return (float) between(random, Math.max(0, 1 - range), 1 + range);
    }

    private static double between(SplittableRandom random, double least, double most) {
        return least + (most - least) * random.nextDouble();
    }
}
