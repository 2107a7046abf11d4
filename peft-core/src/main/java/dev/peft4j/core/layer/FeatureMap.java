package dev.peft4j.core.layer;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Node;
import java.util.Arrays;

/**
 * The channels of the pixels of some images at one point of a network.
 *
 * @param pixels (N · height · width, C), row by row and one image behind the other
 * @param images N
 * @param height rows of pixels of an image
 * @param width pixels of a row
 */
public record FeatureMap(Node pixels, int images, int height, int width) {
    /** C. */
    public int channels() {
        return pixels.value().cols();
    }

    /** The same pixels with other values: (N · height · width, any number of channels). */
    public FeatureMap with(Node other) {
        return new FeatureMap(other, images, height, width);
    }

    /** A call for layers over these pixels. */
    public Call over(Call call) {
        int[] lengths = new int[images];
        Arrays.fill(lengths, height * width);
        return call.overTokens(lengths);
    }

    /** The first row of each image, and the number of rows (N + 1). */
    public int[] starts() {
        int[] starts = new int[images + 1];
        Arrays.setAll(starts, i -> i * height * width);
        return starts;
    }
}
