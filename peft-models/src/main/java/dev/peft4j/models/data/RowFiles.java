package dev.peft4j.models.data;

import dev.peft4j.core.adapter.Offered;
import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.error.StoppedException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Files of records whose rows a jar beside this one reads. */
final class RowFiles {
    private static final String PARQUET = ".parquet";

    private RowFiles() {}

    /** What makes a record of a row. */
    @FunctionalInterface
    interface Format<T> {
        T record(int row, Map<String, @Nullable Object> fields) throws IOException;
    }

    /** Whether a file is to be read here, by its name. */
    static boolean isOne(Path file) {
        String name = DataFile.plainName(file);
        return name.endsWith(PARQUET) || formats().anyMatch(f -> name.endsWith(f.ending()));
    }

    /**
     * At most so many records of a file.
     *
     * @throws BadFileException if there is no file, no jar that reads it, or it has no rows
     */
    static <T> List<T> readAll(Path file, int limit, Format<T> format) throws IOException {
        DataFile.requireFile(file);
        RowFormat rows = formats()
                .filter(f -> DataFile.plainName(file).endsWith(f.ending()))
                .findFirst()
                .orElseThrow(() -> new BadFileException(
                        file,
                        "is a Parquet file, and no jar on the class path reads these. Add the dependency"
                                + " dev.peft4j:peft-parquet, or convert the file to .jsonl."));
        if (DataFile.isNamedPacked(file)) {
            throw new BadFileException(
                    file,
                    "is packed, and a file of the kind " + rows.ending() + " is read in place. Unpack it (gunzip).");
        }
        List<T> records = new ArrayList<>();
        DataFile.reading(file, () -> {
            int[] row = {0};
            rows.read(file, fields -> {
                StoppedException.ifInterrupted(() -> file + " was to be read");
                records.add(format.record(++row[0], fields));
                return records.size() < limit;
            });
            return records;
        });
        return records;
    }

    private static Stream<RowFormat> formats() {
        return Offered.of(RowFormat.class).stream();
    }

    /** The ends of names that can be read, for messages. */
    static String endings(String... others) {
        return Stream.concat(
                        Stream.of(others),
                        Stream.concat(Stream.of(PARQUET), formats().map(RowFormat::ending)))
                .distinct()
                .collect(Collectors.joining(", "));
    }
}
