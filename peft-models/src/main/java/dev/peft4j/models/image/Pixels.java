package dev.peft4j.models.image;

import java.awt.color.ColorSpace;
import java.awt.image.BufferedImage;
import java.awt.image.ColorModel;
import java.awt.image.ComponentColorModel;
import java.awt.image.DataBuffer;
import java.awt.image.IndexColorModel;
import java.awt.image.Raster;

/** Rasters of Java as pictures. Their values are taken as they are: a colour space, a gamma of grey or a profile changes nothing. */
final class Pixels {
    private Pixels() {}

    static Picture of(BufferedImage image) {
        ColorModel colors = image.getColorModel();
        if (colors instanceof IndexColorModel index) {
            return ofPalette(image.getRaster(), index);
        }
        int type = image.getRaster().getTransferType();
        boolean isPlain = colors instanceof ComponentColorModel
                && !colors.isAlphaPremultiplied()
                && (type == DataBuffer.TYPE_BYTE || type == DataBuffer.TYPE_USHORT);
        int space = colors.getColorSpace().getType();
        if (isPlain && (space == ColorSpace.TYPE_RGB || space == ColorSpace.TYPE_GRAY)) {
            return ofLevels(image.getRaster(), space == ColorSpace.TYPE_RGB ? 3 : 1);
        }
        return converted(image);
    }

    /** Of the first channels of a raster of 8 bits, or of the upper ones of 16. */
    private static Picture ofLevels(Raster raster, int channels) {
        int height = raster.getHeight();
        int width = raster.getWidth();
        int bands = raster.getNumBands();
        boolean wide = raster.getTransferType() == DataBuffer.TYPE_USHORT;
        byte[] planes = new byte[Math.multiplyExact(channels * height, width)];
        byte[] row = new byte[bands * width];
        short[] wideRow = new short[wide ? row.length : 0];
        for (int y = 0; y < height; y++) {
            raster.getDataElements(raster.getMinX(), raster.getMinY() + y, width, 1, wide ? wideRow : row);
            for (int i = 0; i < wideRow.length; i++) {
                row[i] = (byte) (wideRow[i] >> 8);
            }
            for (int c = 0; c < channels; c++) {
                int at = (c * height + y) * width;
                for (int x = 0; x < width; x++) {
                    planes[at + x] = row[x * bands + c];
                }
            }
        }
        return new Picture(channels, height, width, planes);
    }

    private static Picture ofPalette(Raster raster, IndexColorModel index) {
        int height = raster.getHeight();
        int width = raster.getWidth();
        int[] colors = new int[index.getMapSize()];
        index.getRGBs(colors);
        byte[] planes = new byte[Math.multiplyExact(3 * height, width)];
        int[] row = new int[width];
        for (int y = 0; y < height; y++) {
            raster.getPixels(raster.getMinX(), raster.getMinY() + y, width, 1, row);
            for (int x = 0; x < width; x++) {
                row[x] = row[x] < colors.length ? colors[row[x]] : 0;
            }
            putRow(planes, height, y, row);
        }
        return new Picture(3, height, width, planes);
    }

    private static Picture converted(BufferedImage image) {
        int height = image.getHeight();
        int width = image.getWidth();
        byte[] planes = new byte[Math.multiplyExact(3 * height, width)];
        int[] row = new int[width];
        for (int y = 0; y < height; y++) {
            image.getRGB(0, y, width, 1, row, 0, width);
            putRow(planes, height, y, row);
        }
        return new Picture(3, height, width, planes);
    }

    /** Puts a row of colours, 8 bits each, the lowest ones blue. */
    static void putRow(byte[] planes, int height, int y, int... row) {
        for (int c = 0; c < 3; c++) {
            int at = (c * height + y) * row.length;
            int shift = 16 - 8 * c;
            for (int x = 0; x < row.length; x++) {
                planes[at + x] = (byte) (row[x] >> shift);
            }
        }
    }
}
