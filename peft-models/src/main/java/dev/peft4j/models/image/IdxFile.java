package dev.peft4j.models.image;

import dev.peft4j.core.error.BadFileException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The files of MNIST: big-endian numbers, magic and sizes, then bytes; grey images (N, H, W) in one, their labels (N) in another. */
final class IdxFile {
    private static final int IMAGES = 0x803; // unsigned bytes, 3 dimensions
    private static final int LABELS = 0x801;

    private IdxFile() {}

    static List<ImageRecord> read(Path file, @Nullable Path labelFile) throws IOException {
        ByteBuffer images = checked(file, IMAGES, 3);
        int count = images.getInt(4);
        int height = images.getInt(8);
        int width = images.getInt(12);
        Path beside = labelFile == null ? beside(file) : labelFile;
        ByteBuffer labels = checked(beside, LABELS, 1);
        if (labels.getInt(4) != count) {
            throw new BadFileException(
                    beside,
                    "a label for each of the " + count + " images of " + file + " was expected, and it has "
                            + labels.getInt(4) + ". Give the labels of these images.");
        }
        List<ImageRecord> records = new ArrayList<>();
        int head = 16;
        for (int i = 0; i < count; i++) {
            byte[] plane = new byte[height * width];
            images.get(head + i * plane.length, plane);
            String label = String.valueOf(labels.get(8 + i) & 0xff);
            records.add(ImageRecord.of(new Picture(1, height, width, plane), label, file + ", image " + (i + 1)));
        }
        return records;
    }

    /** The bytes of a file, whose length is what its header tells. */
    private static ByteBuffer checked(Path file, int magic, int dimensions) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(ByteFile.read(file));
        int head = 4 + 4 * dimensions;
        if (bytes.capacity() < head || bytes.getInt(0) != magic) {
            throw new BadFileException(
                    file,
                    "a file that begins with the number " + magic + " and has " + dimensions
                            + " sizes was expected (MNIST's form), and this one "
                            + (bytes.capacity() < head
                                    ? "has " + bytes.capacity() + " bytes"
                                    : "begins with " + bytes.getInt(0))
                            + ". Get the file again.");
        }
        List<Integer> sizes = new ArrayList<>();
        double wanted = head; // exact for all that fit into memory
        double elements = 1;
        for (int d = 0; d < dimensions; d++) {
            int size = bytes.getInt(4 + 4 * d);
            sizes.add(size);
            elements *= size;
        }
        wanted += elements;
        if (sizes.stream().anyMatch(s -> s < 1) || wanted != bytes.capacity()) {
            throw new BadFileException(
                    file,
                    "says that it has " + sizes + " bytes behind its header, and it has " + (bytes.capacity() - head)
                            + ". Get the file again.");
        }
        return bytes;
    }

    /** {@code train-images-idx3-ubyte.gz} has {@code train-labels-idx1-ubyte.gz} beside it, or the same unpacked. */
    private static Path beside(Path file) throws BadFileException {
        String name = String.valueOf(file.getFileName());
        String labels = name.replace("images", "labels").replace("idx3", "idx1");
        String plain = labels.endsWith(".gz") ? labels.substring(0, labels.length() - 3) : labels;
        Set<String> names = new LinkedHashSet<>(List.of(labels, plain, plain + ".gz"));
        for (String other : names) {
            Path beside = file.resolveSibling(other);
            if (!other.equals(name) && Files.isRegularFile(beside)) {
                return beside;
            }
        }
        throw new BadFileException(
                file,
                "has images, and their labels were expected beside it as " + labels
                        + ", which is not there. Put the file there, or name it (--label-file; in Java ImageRecords.withLabels).");
    }
}
