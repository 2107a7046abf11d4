package dev.peft4j.models.data;

import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.format.Problems;
import java.io.BufferedInputStream;
import java.io.BufferedReader;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.zip.ZipException;

/** A file of records: text in UTF-8, with or without a byte order mark; gzip is unpacked while it is read, whatever the name says. */
final class DataFile {
    private static final String PACKED = ".gz";
    private static final int MARK = 0xFEFF;

    private DataFile() {}

    /** What makes records of the text of a file. */
    @FunctionalInterface
    interface Format<T> {
        List<T> read(BufferedReader text) throws IOException;
    }

    /**
     * Reads the records of a file.
     *
     * @throws BadFileException if there is no file, it cannot be read, or it has no records
     */
    static <T> List<T> read(Path file, Format<T> format) throws IOException {
        requireFile(file);
        return reading(file, () -> {
            try (InputStream raw = new BufferedInputStream(Files.newInputStream(file));
                    InputStream in = unpacked(file, raw);
                    BufferedReader reader =
                            new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8.newDecoder()))) {
                skipMark(reader);
                return format.read(reader);
            }
        });
    }

    /**
     * Requires that a number of records can be read.
     *
     * @throws BadInputException if it is below 1
     */
    static void requireLimit(int limit) {
        if (limit < 1) {
            throw new BadInputException(
                    "at most " + limit + " records were to be read; it is at least 1. Change the number.");
        }
    }

    /** Requires that there is a file. */
    static void requireFile(Path file) throws BadFileException {
        if (!Files.isRegularFile(file)) {
            throw new BadFileException(
                    file,
                    "a data file was expected here and there is "
                            + (Files.isDirectory(file)
                                    ? "a directory. Name the file in it."
                                    : "none. Check the path."));
        }
    }

    /** What reads the records of a file. */
    @FunctionalInterface
    interface Reading<T> {
        List<T> records() throws IOException;
    }

    /** Reads a file, and says what its errors mean. */
    static <T> List<T> reading(Path file, Reading<T> reading) throws IOException {
        List<T> records;
        try {
            records = reading.records();
        } catch (CharacterCodingException e) {
            throw notText(file);
        } catch (ZipException | EOFException e) {
            String problem = e.getMessage() == null ? "it ends where more was expected" : e.getMessage();
            throw new BadFileException(
                    file, "a packed file was expected, and this one is damaged: " + problem + ". Get it again.", e);
        } catch (FileSystemException e) {
            throw new BadFileException(
                    file, "a data file was to be read: " + Problems.of(e) + ". Check the path and its rights.", e);
        }
        if (records.isEmpty()) {
            throw new BadFileException(
                    file, "records were expected and the file has none. Give a file with at least one.");
        }
        return records;
    }

    private static BadFileException notText(Path file) throws IOException {
        try (InputStream raw = new BufferedInputStream(Files.newInputStream(file));
                InputStream in = unpacked(file, raw)) {
            return Encodings.wrong(file, in);
        }
    }

    private static InputStream unpacked(Path file, InputStream raw) throws IOException {
        InputStream in =
                isPacked(file, raw) ? new BufferedInputStream(new BoundedGzip(file, raw, Files.size(file))) : raw;
        Encodings.requireNarrow(file, in);
        return in;
    }

    /** By its name, or by how it begins, which no text in UTF-8 does. */
    private static boolean isPacked(Path file, InputStream raw) throws IOException {
        raw.mark(2);
        boolean gzip = raw.read() == 0x1f && raw.read() == 0x8b;
        raw.reset();
        return gzip || isNamedPacked(file);
    }

    /** Whether its name says that it is packed. */
    static boolean isNamedPacked(Path file) {
        return lowerName(file).endsWith(PACKED);
    }

    /** The name in lower case, without the end of packed files. */
    static String plainName(Path file) {
        String name = lowerName(file);
        return isNamedPacked(file) ? name.substring(0, name.length() - PACKED.length()) : name;
    }

    private static String lowerName(Path file) {
        return String.valueOf(file.getFileName()).toLowerCase(Locale.ROOT);
    }

    /** Some programs put a byte order mark in front of UTF-8. */
    private static void skipMark(BufferedReader reader) throws IOException {
        reader.mark(1);
        if (reader.read() != MARK) {
            reader.reset();
        }
    }
}
