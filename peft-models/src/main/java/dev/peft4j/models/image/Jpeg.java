package dev.peft4j.models.image;

import java.awt.image.Raster;

/** What a JPEG file says in its markers, and pictures of its four inks. */
final class Jpeg {
    private static final int END = 0xd9;
    private static final int SCAN = 0xda;
    private static final int APP14 = 0xee;

    private Jpeg() {}

    static boolean isOne(byte[] file) {
        return file.length > 2 && (file[0] & 0xff) == 0xff && (file[1] & 0xff) == 0xd8;
    }

    /** How inks are coded, by Adobe's marker in front of the first scan: 0 as they are, 2 as YCCK; -1 if there is no such marker. */
    static int transform(byte[] file) {
        int at = 2;
        while (at + 4 <= file.length && (file[at] & 0xff) == 0xff) {
            int marker = file[at + 1] & 0xff;
            if (marker == 0xff) {
                at++;
                continue;
            }
            int length = ((file[at + 2] & 0xff) << 8) | (file[at + 3] & 0xff);
            if (marker == SCAN || marker == END) {
                return -1;
            }
            boolean adobe = marker == APP14
                    && length >= 14
                    && at + 16 <= file.length
                    && file[at + 4] == 'A'
                    && file[at + 5] == 'd'
                    && file[at + 6] == 'o'
                    && file[at + 7] == 'b'
                    && file[at + 8] == 'e';
            if (adobe) {
                return file[at + 15] & 0xff;
            }
            at += 2 + length;
        }
        return -1;
    }

    /**
     * A picture of inks, which are stored inverted: as light that is left. So Adobe's programs write them, and Pillow reads all files.
     *
     * @param inks (H, W, 4): cyan, magenta, yellow, black, or luma and two chromas of the first three
     * @param transform 2 if they are luma and chromas
     */
    static Picture ofInks(Raster inks, int transform) {
        int height = inks.getHeight();
        int width = inks.getWidth();
        byte[] planes = new byte[Math.multiplyExact(3 * height, width)];
        int[] row = new int[4 * width];
        for (int y = 0; y < height; y++) {
            inks.getPixels(0, y, width, 1, row);
            for (int x = 0; x < width; x++) {
                if (transform == 2) {
                    toCmy(row, 4 * x);
                }
                for (int c = 0; c < 3; c++) {
                    planes[(c * height + y) * width + x] = (byte) share(row[4 * x + c], row[4 * x + 3]);
                }
            }
        }
        return new Picture(3, height, width, planes);
    }

    /** {@code a b / 255}, rounded. */
    private static int share(int a, int b) {
        return (a * b + 127) / 255;
    }

    /** Luma and chromas to the first three inks, which are what red, green and blue lack. */
    private static void toCmy(int[] row, int at) {
        int luma = row[at];
        int cb = row[at + 1] - 128;
        int cr = row[at + 2] - 128;
        row[at] = 255 - clipped(luma + ((fixed(1.40200) * cr + HALF) >> BITS));
        row[at + 1] = 255 - clipped(luma + ((-fixed(0.34414) * cb - fixed(0.71414) * cr + HALF) >> BITS));
        row[at + 2] = 255 - clipped(luma + ((fixed(1.77200) * cb + HALF) >> BITS));
    }

    private static final int BITS = 16;
    private static final int HALF = 1 << (BITS - 1);

    /** A factor of ITU-R 601 in whole numbers. */
    private static int fixed(double factor) {
        return (int) (factor * (1 << BITS) + 0.5);
    }

    private static int clipped(int level) {
        return Math.max(0, Math.min(255, level));
    }
}
