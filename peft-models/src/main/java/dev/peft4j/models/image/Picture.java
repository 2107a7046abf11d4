package dev.peft4j.models.image;

import dev.peft4j.core.error.BadInputException;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.Arrays;
import javax.imageio.ImageIO;

/**
 * An image as bytes: grey, or red, green and blue.
 *
 * <p>Files are decoded to what {@code Image.open(file).convert("RGB")} of Pillow gives, to the same bytes; of JPEG too, where the libjpeg
 * that Java was built with computes what libjpeg-turbo does (no level differs in 101 files of all qualities and samplings: with
 * the libjpeg 6b of Temurin 25 as with the libjpeg-turbo of Debian's OpenJDK 17). An alpha channel and transparent colours are dropped, not blended; colour profiles and the orientation in
 * EXIF are ignored, as Pillow and transformers do: turn such photos before. Of animations it is the first frame. Of 16 bits the upper 8 are kept; of grey images with
 * 16 bits Pillow would make nearly everything white, which is not done here. CMYK becomes RGB by {@code (255 - ink) (255 - black) / 255}. Grey files have one channel
 * until {@link #toRgb}. Other formats are read where a plug-in of ImageIO is on the class path.
 *
 * <p>Before memory is taken for the pixels, the size in the header is checked: more than 178,956,970 pixels are refused, as Pillow does, and so are more than the heap
 * of this Java can hold.
 */
public final class Picture {
    private final int channels;
    private final int height;
    private final int width;
    private final byte[] planes; // (C, H, W)

    /** Takes the planes as they are. */
    Picture(int channels, int height, int width, byte[] planes) {
        this.channels = channels;
        this.height = height;
        this.width = width;
        this.planes = planes;
    }

    /**
     * Decodes a file.
     *
     * @throws dev.peft4j.core.error.BadFileException with its name, if it is no image, damaged, cut short or too large
     */
    public static Picture read(Path file) throws IOException {
        return PictureFile.read(file);
    }

    /**
     * Decodes what a stream has, which stays open.
     *
     * @param name for messages
     * @throws dev.peft4j.core.error.BadFileException with the name, if it is no image, damaged, cut short or too large
     */
    public static Picture read(InputStream stream, String name) throws IOException {
        return PictureFile.read(stream, name);
    }

    /**
     * Decodes an image in memory.
     *
     * @param encoded the bytes of a PNG, JPEG, GIF or BMP file
     * @param name for messages
     * @throws dev.peft4j.core.error.BadFileException with the name, if it is no image, damaged, cut short or too large
     */
    public static Picture decode(byte[] encoded, String name) throws IOException {
        return PictureFile.decode(encoded, name);
    }

    /** An image of Java, by the same rules as a file. */
    public static Picture of(BufferedImage image) {
        return Pixels.of(image);
    }

    /**
     * An image of bytes, which are copied.
     *
     * @param channels C, 1 or 3
     * @param planes (C, H, W)
     * @throws BadInputException if there are not as many bytes as pixels and channels
     */
    public static Picture of(int channels, int height, int width, byte[] planes) {
        if ((channels != 1 && channels != 3)
                || height < 1
                || width < 1
                || planes.length != (long) channels * height * width) {
            throw new BadInputException(planes.length + " bytes were given for an image of " + channels + " x " + height
                    + " x " + width + ". Give one for each pixel and channel, of which there are 1 or 3.");
        }
        return new Picture(channels, height, width, planes.clone());
    }

    /** Channels C: 1 of a grey image, 3 of one in colour. */
    public int channels() {
        return channels;
    }

    /** Rows H. */
    public int height() {
        return height;
    }

    /** Columns W. */
    public int width() {
        return width;
    }

    /** The bytes (C, H, W), which are not copied. */
    byte[] planes() {
        return planes;
    }

    /** A byte, from 0 to 255. */
    public int level(int channel, int row, int column) {
        if (channel < 0 || channel >= channels || row < 0 || row >= height || column < 0 || column >= width) {
            throw new BadInputException("the pixel (" + channel + ", " + row + ", " + column
                    + ") was asked of an image of " + channels + " x " + height + " x " + width
                    + ". Ask for one within it.");
        }
        return planes[(channel * height + row) * width + column] & 0xff;
    }

    /** With three channels, which are equal if this is grey. */
    public Picture toRgb() {
        if (channels == 3) {
            return this;
        }
        byte[] all = new byte[Math.multiplyExact(3, planes.length)];
        for (int c = 0; c < 3; c++) {
            System.arraycopy(planes, 0, all, c * planes.length, planes.length);
        }
        return new Picture(3, height, width, all);
    }

    /** With one channel: {@code 0.299 red + 0.587 green + 0.114 blue} in whole numbers, as Pillow's {@code convert("L")}. */
    public Picture toGrey() {
        if (channels == 1) {
            return this;
        }
        int n = height * width;
        byte[] grey = new byte[n];
        for (int i = 0; i < n; i++) { // ITU-R 601-2, times 65,536
            int sum = 19595 * (planes[i] & 0xff) + 38470 * (planes[n + i] & 0xff) + 7471 * (planes[2 * n + i] & 0xff);
            grey[i] = (byte) ((sum + 0x8000) >> 16);
        }
        return new Picture(1, height, width, grey);
    }

    /** With so many channels. */
    Picture to(int wanted) {
        return wanted == 1 ? toGrey() : toRgb();
    }

    /** A part of the image; what lies outside of it is black. */
    Picture crop(int top, int left, int rows, int columns) {
        byte[] part = new byte[Math.multiplyExact(channels * rows, columns)];
        int from = Math.max(0, left);
        int count = Math.min(width, left + columns) - from;
        for (int c = 0; c < channels && count > 0; c++) {
            for (int y = Math.max(0, -top); y < rows && top + y < height; y++) {
                int source = (c * height + top + y) * width + from;
                System.arraycopy(planes, source, part, (c * rows + y) * columns + from - left, count);
            }
        }
        return new Picture(channels, rows, columns, part);
    }

    /** Mirrored: left becomes right. */
    Picture flipped() {
        byte[] flipped = new byte[planes.length];
        for (int row = 0; row < planes.length; row += width) {
            for (int x = 0; x < width; x++) {
                flipped[row + x] = planes[row + width - 1 - x];
            }
        }
        return new Picture(channels, height, width, flipped);
    }

    /** As a PNG file. */
    byte[] toPng() throws IOException {
        BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        int pixels = height * width;
        int[] colors = new int[pixels];
        for (int i = 0; i < pixels; i++) {
            int red = planes[i] & 0xff;
            int green = planes[(channels == 1 ? 0 : pixels) + i] & 0xff;
            int blue = planes[(channels == 1 ? 0 : 2 * pixels) + i] & 0xff;
            colors[i] = red << 16 | green << 8 | blue;
        }
        image.setRGB(0, 0, width, height, colors, 0, width);
        ByteArrayOutputStream png = new ByteArrayOutputStream();
        ImageIO.write(image, "png", png);
        return png.toByteArray();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Picture p
                && p.channels == channels
                && p.height == height
                && p.width == width
                && Arrays.equals(p.planes, planes);
    }

    @Override
    public int hashCode() {
        return 31 * (31 * height + width) + Arrays.hashCode(planes);
    }

    /** Channels, rows and columns. */
    @Override
    public String toString() {
        return "Picture[" + channels + " x " + height + " x " + width + "]";
    }
}
