package dev.peft4j.models.data;

import dev.peft4j.core.error.BadFileException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A format of files whose rows are read as the objects of a JSONL file are; the jars that have one are found by the {@link java.util.ServiceLoader}. So
 * {@link RecordReader}, {@link JsonRecord} and the readers of conversations and preferences read Parquet where peft-parquet is on the class path.
 */
public interface RowFormat {
    /** The end of the names of its files, in lower case and with a dot: {@code .parquet}. */
    String ending();

    /**
     * Reads the rows of a file, from the first one on, until they are no longer wanted.
     *
     * @param file that is there
     * @throws BadFileException with the number of the row, if the file is damaged
     */
    void read(Path file, Rows rows) throws IOException;

    /** What takes the rows of a file. */
    @FunctionalInterface
    interface Rows {
        /**
         * Takes a row.
         *
         * @param fields by name, in the order of the file: texts, numbers, truth values, null, and lists and maps of these
         * @return whether more rows are wanted
         */
        boolean row(Map<String, @Nullable Object> fields) throws IOException;
    }
}
