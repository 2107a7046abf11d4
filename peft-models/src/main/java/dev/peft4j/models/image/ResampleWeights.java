package dev.peft4j.models.image;

import java.util.Arrays;
import java.util.function.DoubleUnaryOperator;

/** How much each old place of a line counts for each new one, in whole numbers. */
final class ResampleWeights {
    private static final int BITS = 22; // 8 bits of a pixel, a sign, and one for sums of cubic weights above 1
    private static final int HALF = 1 << (BITS - 1);

    private final int[] first; // the first old place of each new one
    private final int[][] weights; // of it and those that follow

    /**
     * Weights for a line of one length that becomes another one.
     *
     * @param support half the width of the filter, in places of the shorter line
     */
    ResampleWeights(int from, int to, double support, DoubleUnaryOperator filter) {
        first = new int[to];
        weights = new int[to][];
        double scale = (double) from / to;
        double stretch = Math.max(1, scale); // of the filter, so that all old places count
        double reach = support * stretch;
        for (int i = 0; i < to; i++) {
            double middle = (i + 0.5) * scale;
            int begin = Math.max(0, (int) (middle - reach + 0.5));
            int end = Math.min(from, (int) (middle + reach + 0.5));
            double[] exact = new double[end - begin];
            double sum = 0;
            for (int j = 0; j < exact.length; j++) {
                exact[j] = filter.applyAsDouble((j + begin - middle + 0.5) * (1 / stretch));
                sum += exact[j];
            }
            first[i] = begin;
            weights[i] = new int[exact.length];
            for (int j = 0; j < exact.length; j++) {
                double share = sum == 0 ? exact[j] : exact[j] / sum;
                weights[i][j] = (int) (share * (1 << BITS) + (share < 0 ? -0.5 : 0.5));
            }
        }
    }

    /** An image with other columns. */
    Picture ofRows(Picture from) {
        int width = from.width();
        int lines = from.channels() * from.height();
        byte[] source = from.planes();
        byte[] planes = new byte[Math.multiplyExact(lines, first.length)];
        for (int line = 0; line < lines; line++) {
            for (int x = 0; x < first.length; x++) {
                int[] w = weights[x];
                int at = line * width + first[x];
                int sum = HALF;
                for (int j = 0; j < w.length; j++) {
                    sum += w[j] * (source[at + j] & 0xff);
                }
                planes[line * first.length + x] = clipped(sum);
            }
        }
        return new Picture(from.channels(), from.height(), first.length, planes);
    }

    /** An image with other rows. */
    Picture ofColumns(Picture from) {
        int width = from.width();
        int height = first.length;
        byte[] source = from.planes();
        byte[] planes = new byte[Math.multiplyExact(from.channels() * height, width)];
        int[] sums = new int[width];
        for (int c = 0; c < from.channels(); c++) {
            for (int y = 0; y < height; y++) {
                Arrays.fill(sums, HALF);
                for (int j = 0; j < weights[y].length; j++) {
                    add(weights[y][j], source, (c * from.height() + first[y] + j) * width, sums);
                }
                int at = (c * height + y) * width;
                for (int x = 0; x < width; x++) {
                    planes[at + x] = clipped(sums[x]);
                }
            }
        }
        return new Picture(from.channels(), height, width, planes);
    }

    private static void add(int weight, byte[] source, int at, int[] sums) {
        for (int x = 0; x < sums.length; x++) {
            sums[x] += weight * (source[at + x] & 0xff);
        }
    }

    private static byte clipped(int sum) {
        return (byte) Math.max(0, Math.min(255, sum >> BITS));
    }
}
