package dev.peft4j.models.image;

import dev.peft4j.core.error.BadInputException;
import java.util.LinkedHashMap;
import java.util.Map;

/** The size that images get before they are cropped: {@code size} of {@code preprocessor_config.json}. */
public sealed interface Resize {
    /** The size of an image of this height and width. */
    Size of(int height, int width);

    /** As {@code size} in a file. */
    Map<String, Object> toJson();

    /** One size for all images, whose proportions change. */
    static Resize exact(int height, int width) {
        return new Exact(new Size(height, width));
    }

    /** Images keep their proportions, and their shorter edge gets this length. */
    static Resize shortestEdge(int length) {
        return new ShortestEdge(length, 0);
    }

    /**
     * Rows and columns.
     *
     * @param height H
     * @param width W
     */
    record Size(int height, int width) {
        /** Checks that there are pixels. */
        public Size {
            requireLength(height);
            requireLength(width);
        }
    }

    /**
     * One size for all images.
     *
     * @param size that they get
     */
    record Exact(Size size) implements Resize {
        @Override
        public Size of(int height, int width) {
            return size;
        }

        @Override
        public Map<String, Object> toJson() {
            return PreprocessingJson.of(size);
        }
    }

    /**
     * The proportions of the image.
     *
     * @param length of the shorter edge
     * @param longest that the longer edge may have at most; 0 for any
     */
    record ShortestEdge(int length, int longest) implements Resize {
        /** Checks the lengths. */
        public ShortestEdge {
            requireLength(length);
            if (longest != 0) {
                requireLength(longest);
            }
        }

        @Override
        public Size of(int height, int width) {
            int shorter = Math.min(height, width);
            int longer = Math.max(height, width);
            int edge = length;
            double exact = length;
            if (longest > 0 && (double) longer / shorter * length > longest) {
                exact = longest * (double) shorter / longer;
                edge = Math.max(1, (int) Math.rint(exact));
            }
            int other = shorter == edge && longest > 0 // as it is
                    ? longer
                    : (int) Math.min(
                            Integer.MAX_VALUE,
                            longest > 0 ? exact * longer / shorter : (double) ((long) length * longer) / shorter);
            return height < width ? new Size(edge, other) : new Size(other, edge);
        }

        @Override
        public Map<String, Object> toJson() {
            Map<String, Object> json = new LinkedHashMap<>();
            json.put("shortest_edge", length);
            if (longest > 0) {
                json.put("longest_edge", longest);
            }
            return json;
        }
    }

    private static void requireLength(int length) {
        if (length < 1 || length > 1 << 16) {
            throw new BadInputException(
                    "images with an edge of " + length + " pixels were asked for; it has 1 to 65536. Change the size.");
        }
    }
}
