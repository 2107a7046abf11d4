package dev.peft4j.models.image;

import dev.peft4j.core.error.BadFileException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Reads records of images, by what is there:
 *
 * <ul>
 *   <li>a folder with a folder for each class: {@code cat/1.png}, {@code dog/a/2.jpg};
 *   <li>a table or JSONL file (also packed, and Parquet where its jar is there) that names files, from its own folder on, and labels;
 *   <li>a file of CIFAR-10 or CIFAR-100 in the binary version: {@code *.bin}, {@code *.bin.gz};
 *   <li>a file in the form of MNIST: {@code *idx3*}, with that of its labels ({@code *idx1*}) beside it or named.
 * </ul>
 *
 * @param imageColumn column or key of the file of an image; empty for image, path, file_name, file or image_path
 * @param labelColumn column or key of the label; empty for label or class
 * @param labels file with the labels of a file in the form of MNIST; null for the one beside it
 */
public record ImageRecords(String imageColumn, String labelColumn, @Nullable Path labels) {
    /** The usual names. */
    public static ImageRecords defaults() {
        return new ImageRecords("", "", null);
    }

    /** With the columns or keys of a table. */
    public ImageRecords withColumns(String image, String label) {
        return new ImageRecords(image, label, labels);
    }

    /** With the labels of a file in the form of MNIST. */
    public ImageRecords withLabels(Path file) {
        return new ImageRecords(imageColumn, labelColumn, file);
    }

    /**
     * Reads all records.
     *
     * @throws BadFileException if nothing is there that can be read, a class has no image, or a file is damaged; single files of a folder or table that are no
     *     images are left out with a warning
     */
    public List<ImageRecord> read(Path from) throws IOException {
        return read(from, Integer.MAX_VALUE);
    }

    /**
     * The same for the first records: of a folder from its classes in turn, else in their order.
     *
     * @param most records, at least 1
     */
    public List<ImageRecord> read(Path from, int most) throws IOException {
        if (Files.isDirectory(from)) {
            return ImageFolder.read(from, most);
        }
        String name = String.valueOf(from.getFileName()).toLowerCase(Locale.ROOT);
        if (name.contains("idx3")) {
            return first(IdxFile.read(from, labels), most);
        }
        if (name.endsWith(".bin") || name.endsWith(".bin.gz")) {
            return first(CifarFile.read(from), most);
        }
        return ImageTable.read(from, imageColumn, labelColumn, most);
    }

    private static List<ImageRecord> first(List<ImageRecord> all, int most) {
        return List.copyOf(all.subList(0, Math.min(most, all.size())));
    }
}
