package dev.peft4j.models.image;

import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.models.data.RecordReader;
import dev.peft4j.models.data.TextRecord;
import java.io.IOException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A table or JSONL file that names images, from its own folder on or from the root, and their labels. */
final class ImageTable {
    private ImageTable() {}

    static List<ImageRecord> read(Path table, String imageColumn, String labelColumn, int most) throws IOException {
        RecordReader reader = RecordReader.defaults().withTask(TaskType.IMAGE_CLS);
        reader = imageColumn.isEmpty() ? reader : reader.withText(imageColumn);
        reader = labelColumn.isEmpty() ? reader : reader.withLabel(labelColumn);
        BrokenFiles broken = new BrokenFiles(table);
        List<ImageRecord> records = new ArrayList<>();
        for (TextRecord row : reader.read(table, most)) {
            Path file = file(table, row);
            broken.add(file, () -> ImageRecord.of(file, row.label(), row.place()), records);
        }
        broken.tell();
        return records;
    }

    private static Path file(Path table, TextRecord row) throws BadFileException {
        try {
            if (!row.text().isBlank()) {
                return table.resolveSibling(row.text().strip());
            }
        } catch (InvalidPathException e) {
            throw new BadFileException(
                    table, row.place() + " names the image \"" + row.text() + "\", which is no path. Correct it.", e);
        }
        throw new BadFileException(table, row.place() + " was to name an image, and names none. Correct it.");
    }
}
