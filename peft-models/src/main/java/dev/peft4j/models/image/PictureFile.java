package dev.peft4j.models.image;

import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.format.Problems;
import java.awt.image.BufferedImage;
import java.io.BufferedInputStream;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.TreeSet;
import java.util.stream.Collectors;
import javax.imageio.IIOException;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.ImageTypeSpecifier;
import javax.imageio.stream.ImageInputStream;
import javax.imageio.stream.MemoryCacheImageInputStream;

/** Image files by way of ImageIO, whose errors get names and whose memory gets limits. */
final class PictureFile {
    /** As Pillow, which refuses twice 2^30 bytes of 3 channels and 4 bytes each. */
    static final long MOST_PIXELS = 178_956_970;

    private static final int MOST_BYTES = 512 << 20;
    private static final int BEGINNING = 1 << 16; // bytes, by which the kind of a file is known
    private static final int BYTES_A_PIXEL = 7; // decoded with alpha, and as planes
    private static final int DEFLATED = 1100; // no deflated byte becomes more than 1,032 ones
    private static final int PIXELS_A_BYTE = 4096; // a code of GIF has as many at most, a block of JPEG 64 for two bits
    private static final String JDK = "com.sun.imageio";

    private PictureFile() {}

    /** Size of an image. */
    record Header(int height, int width) {}

    /** What is read of an image. */
    @FunctionalInterface
    private interface Reading<T> {
        T read(ImageReader reader) throws IOException;
    }

    /** The size that the header of a file tells, checked against the limits; the pixels are not read. */
    static Header header(Path file) throws IOException {
        requireFile(file);
        try (InputStream in = new BufferedInputStream(Files.newInputStream(file))) {
            Header size = reading(file, in, reader -> header(file, reader));
            FileEnd.requireWhole(file);
            return size;
        } catch (FileSystemException e) {
            throw unreadable(file, e);
        }
    }

    /** Differs where the beginnings or ends of files differ. */
    static long checksum(Path file) throws IOException {
        try {
            return FileEnd.checksum(file);
        } catch (FileSystemException e) {
            throw unreadable(file, e);
        }
    }

    static Picture read(Path file) throws IOException {
        requireFile(file);
        try (InputStream in = Files.newInputStream(file)) {
            return decode(file, bytes(file, in));
        } catch (FileSystemException e) {
            throw unreadable(file, e);
        }
    }

    static Picture read(InputStream stream, String name) throws IOException {
        Path file = named(name);
        return decode(file, bytes(file, stream));
    }

    static Picture decode(byte[] encoded, String name) throws IOException {
        return decode(named(name), encoded);
    }

    /** A name of what is no file, for messages. */
    private static Path named(String name) {
        try {
            return Path.of(name);
        } catch (InvalidPathException e) {
            return Path.of("the image");
        }
    }

    private static void requireFile(Path file) throws BadFileException {
        if (!Files.isRegularFile(file)) {
            throw new BadFileException(
                    file,
                    "an image was expected here and there is " + (Files.isDirectory(file) ? "a directory" : "no file")
                            + ". Check the path.");
        }
    }

    private static BadFileException unreadable(Path file, FileSystemException e) {
        return new BadFileException(
                file, "an image was to be read: " + Problems.of(e) + ". Check the file and its rights.", e);
    }

    private static byte[] bytes(Path file, InputStream in) throws IOException {
        byte[] first = in.readNBytes(BEGINNING);
        if (!ImageIO.getImageReaders(new MemoryCacheImageInputStream(new ByteArrayInputStream(first)))
                .hasNext()) {
            return first; // whose reader says what is wrong, however much follows
        }
        byte[] bytes = new SequenceInputStream(new ByteArrayInputStream(first), in).readNBytes(MOST_BYTES + 1);
        if (bytes.length > MOST_BYTES) {
            throw new BadFileException(
                    file, "an image of at most " + MOST_BYTES + " bytes was expected, and it has more. Scale it down.");
        }
        return bytes;
    }

    private static Picture decode(Path file, byte[] bytes) throws IOException {
        List<String> warnings = new ArrayList<>();
        Picture picture = reading(file, new ByteArrayInputStream(bytes), reader -> {
            requirePixels(file, bytes, header(file, reader));
            reader.addIIOReadWarningListener((r, warning) -> warnings.add(warning));
            try {
                return picture(reader, bytes);
            } catch (OutOfMemoryError e) { // of one large array: the rest of the process has what it had
                throw new BadFileException(
                        file, "an image was to be decoded, and memory ran out. Scale it down, or give Java more.", e);
            }
        });
        for (String warning : warnings) { // libjpeg fills up with grey what is missing
            String w = warning.toLowerCase(Locale.ROOT);
            if (w.contains("premature end") || w.contains("truncated") || w.contains("unexpected e")) {
                throw new BadFileException(
                        file, "a whole image was expected, and it is cut short (" + warning + "). Get it again.");
            }
        }
        return picture;
    }

    private static Picture picture(ImageReader reader, byte[] bytes) throws IOException {
        if (reader.getFormatName().equalsIgnoreCase("gif")) {
            return Gif.picture(reader);
        }
        if (Jpeg.isOne(bytes) && reader.canReadRaster() && hasInks(reader)) {
            return Jpeg.ofInks(reader.readRaster(0, null), Jpeg.transform(bytes));
        }
        BufferedImage image = reader.read(0);
        return Pixels.of(image);
    }

    /** Some versions of the JDK know no image type for four inks, others one with colours of its own. */
    private static boolean hasInks(ImageReader reader) throws IOException {
        Iterator<ImageTypeSpecifier> types = reader.getImageTypes(0);
        return !types.hasNext() || types.next().getNumBands() == 4;
    }

    private static Header header(Path file, ImageReader reader) throws IOException {
        boolean gif = reader.getFormatName().equalsIgnoreCase("gif");
        Header size = gif ? Gif.header(reader) : new Header(reader.getHeight(0), reader.getWidth(0));
        long pixels = (long) size.height * size.width;
        if (size.height < 1 || size.width < 1) {
            throw new BadFileException(
                    file, "says that it has " + size.width + " x " + size.height + " pixels. Get it again.");
        }
        if (pixels > MOST_PIXELS) {
            throw new BadFileException(
                    file,
                    "says that it has " + size.width + " x " + size.height + " pixels, and at most " + MOST_PIXELS
                            + " are read, so that a small file cannot fill the memory. Scale it down.");
        }
        long heap = Runtime.getRuntime().maxMemory();
        if (BYTES_A_PIXEL * pixels > heap) {
            throw new BadFileException(
                    file,
                    "says that it has " + size.width + " x " + size.height + " pixels, which take "
                            + ((BYTES_A_PIXEL * pixels) >> 20) + " MiB to decode, and Java may use " + (heap >> 20)
                            + ". Scale it down, or give Java more memory (-Xmx).");
        }
        return size;
    }

    /** Refuses a PNG, JPEG or GIF file that is too small for the size that it tells, before memory is taken for that. */
    private static void requirePixels(Path file, byte[] bytes, Header size) throws BadFileException {
        boolean png = bytes.length > 25 && (bytes[0] & 0xff) == 0x89 && bytes[1] == 'P';
        boolean gif = bytes.length > 2 && bytes[0] == 'G' && bytes[1] == 'I' && bytes[2] == 'F';
        long least = png ? (long) size.height * (((long) size.width * bytes[24] + 7) >> 3) : 0; // one channel
        boolean isTooSmall = png
                ? least > (long) DEFLATED * bytes.length
                : (gif || Jpeg.isOne(bytes)) && (long) size.height * size.width > (long) PIXELS_A_BYTE * bytes.length;
        if (isTooSmall) {
            throw new BadFileException(
                    file,
                    "says that it has " + size.width + " x " + size.height + " pixels, and its " + bytes.length
                            + " bytes cannot hold so many: it is cut short, or its header is wrong. Get it again.");
        }
    }

    private static <T> T reading(Path file, InputStream in, Reading<T> reading) throws IOException {
        try (ImageInputStream stream = new MemoryCacheImageInputStream(in)) {
            ImageReader reader = reader(file, stream);
            try {
                reader.setInput(stream, false, false);
                return reading.read(reader);
            } catch (BadFileException | FileSystemException e) {
                throw e;
            } catch (IOException | RuntimeException e) { // ImageIO meets damaged files with any of these
                throw damaged(file, e);
            } finally {
                reader.dispose();
            }
        }
    }

    private static BadFileException damaged(Path file, Exception e) {
        Throwable inner = e instanceof IIOException && e.getCause() != null ? e.getCause() : e;
        String what = inner.getMessage() == null ? inner.getClass().getSimpleName() : inner.getMessage();
        return new BadFileException(file, "an image was expected, and it is damaged: " + what + ". Get it again.", e);
    }

    /** The reader of the JDK, if it has one, so that plug-ins on the class path do not change what is read. */
    private static ImageReader reader(Path file, ImageInputStream stream) throws IOException {
        Iterator<ImageReader> readers = ImageIO.getImageReaders(stream);
        ImageReader first = null;
        while (readers.hasNext()) {
            ImageReader reader = readers.next();
            if (reader.getFormatName().equalsIgnoreCase("wbmp")) { // has no mark: two zeros are enough for it
                continue;
            }
            if (reader.getClass().getName().startsWith(JDK)) {
                return reader;
            }
            first = first == null ? reader : first;
        }
        if (first == null) {
            throw unknown(file, stream);
        }
        return first;
    }

    private static BadFileException unknown(Path file, ImageInputStream stream) throws IOException {
        byte[] begin = new byte[8];
        stream.seek(0);
        int count = Math.max(0, stream.read(begin));
        String found =
                count == 0 ? "is empty" : "begins with the bytes " + Arrays.toString(Arrays.copyOf(begin, count));
        return new BadFileException(
                file,
                "an image was expected (" + formats() + "), and the file " + found
                        + ". Convert it, or add a plug-in of ImageIO for its format to the class path.");
    }

    private static String formats() {
        return Arrays.stream(ImageIO.getReaderFormatNames())
                .map(n -> n.toUpperCase(Locale.ROOT))
                .filter(n -> !n.equals("WBMP") && !n.equals("JPG"))
                .collect(Collectors.toCollection(TreeSet::new))
                .stream()
                .collect(Collectors.joining(", "));
    }
}
