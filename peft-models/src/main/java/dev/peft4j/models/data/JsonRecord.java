package dev.peft4j.models.data;

import dev.peft4j.core.error.BadFileException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A JSON object of a JSONL file, for readers of other records than texts. Files are read as {@link RecordReader} reads them: gzip is unpacked, in UTF-8 with or
 * without a byte order mark, and what is damaged is refused with its line. The rows of a file of a {@link RowFormat} are such objects too.
 *
 * @param file it is in
 * @param line it is on, or number of the row, from 1
 * @param fields by key, in the order of the file: texts, numbers, truth values, null, and lists and maps of these
 */
public record JsonRecord(Path file, int line, Map<String, @Nullable Object> fields) {
    /** What makes a record of an object. */
    @FunctionalInterface
    public interface Format<T> {
        /**
         * A record.
         *
         * @throws BadFileException if the object is none
         */
        T record(JsonRecord object) throws IOException;
    }

    /**
     * Reads at most so many records of a file.
     *
     * @param limit at least 1
     * @throws BadFileException with the line, if one is damaged; if the file is missing or has no records
     */
    public static <T> List<T> readAll(Path file, int limit, Format<T> format) throws IOException {
        DataFile.requireLimit(limit);
        if (RowFiles.isOne(file)) {
            return RowFiles.readAll(file, limit, (row, fields) -> format.record(new JsonRecord(file, row, fields)));
        }
        return DataFile.read(file, reader -> {
            if (!DataFile.plainName(file).endsWith(".jsonl")) {
                throw new BadFileException(
                        file,
                        "files of these records end in " + RowFiles.endings(".jsonl", ".jsonl.gz")
                                + ". Rename or convert it: a JSON object on each line.");
            }
            return JsonLine.readAll(
                    file, reader, limit, read -> format.record(new JsonRecord(file, read.line(), read.fields())));
        });
    }

    /** File and line, for messages. */
    public String place() {
        return file + ", " + JsonLine.where(file, line);
    }

    /**
     * An error of this object.
     *
     * @param problem goes on behind the number of the line or row
     */
    public BadFileException bad(String problem) {
        return new BadFileException(file, JsonLine.where(file, line) + " " + problem);
    }

    /** A value in a message: the beginning of its JSON. */
    public static String shown(@Nullable Object value) {
        return value instanceof String text
                ? "\"" + JsonLine.shorten(text) + "\""
                : JsonLine.shorten(JsonLine.print(value));
    }
}
