package dev.peft4j.models.image;

import dev.peft4j.core.data.ProblemType;
import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.models.data.Labels;
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
        if (Files.isDirectory(from)) {
            return ImageFolder.read(from);
        }
        String name = String.valueOf(from.getFileName()).toLowerCase(Locale.ROOT);
        if (name.contains("idx3")) {
            return IdxFile.read(from, labels);
        }
        if (name.endsWith(".bin") || name.endsWith(".bin.gz")) {
            return CifarFile.read(from);
        }
        return ImageTable.read(from, imageColumn, labelColumn);
    }

    /**
     * What the labels of records mean.
     *
     * @param known names of the outputs of a head, in their order, as {@code id2label} has them; empty for a new head, which learns the names of the records
     * @throws BadInputException if a record has no label, or there is only one class
     */
    public static Labels labels(List<ImageRecord> records, List<String> known) {
        return known.isEmpty()
                ? Labels.ofClasses(records.stream().map(ImageRecord::labelled).toList())
                : new Labels(ProblemType.SINGLE_LABEL_CLASSIFICATION, known.size(), known);
    }
}
