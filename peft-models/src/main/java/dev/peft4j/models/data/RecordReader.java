package dev.peft4j.models.data;

import dev.peft4j.core.adapter.TargetModules;
import dev.peft4j.core.error.BadFileException;
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

/**
 * Reads records from JSONL ({@code {"text": ..}}, {@code {"prompt": .., "completion": ..}}, {@code {"text": .., "label": ..}}) and from
 * CSV or TSV files with named columns; gzip is unpacked while it is read, whatever the name says. UTF-8, with or without a byte order mark.
 *
 * @param promptColumn column or key of the prompt; empty for none
 * @param textColumn column or key of the completion or text
 * @param labelColumn column or key of the label; empty for none
 * @param header names of the columns of a table that has no header line; empty to read them from the first line
 * @param separator put between prompt and completion where their columns were named or the file is a table
 */
public record RecordReader(
        String promptColumn, String textColumn, String labelColumn, List<String> header, String separator) {
    private static final String PACKED = ".gz";
    private static final int MARK = 0xFEFF;

    /** The columns prompt and completion, or text and label, whichever a file has. */
    public static RecordReader defaults() {
        return new RecordReader("", "", "", List.of(), "\n");
    }

    /** With the column or key of the prompt. */
    public RecordReader withPrompt(String column) {
        return new RecordReader(column, textColumn, labelColumn, header, separator);
    }

    /** With the column or key of the completion, or of the text to classify. */
    public RecordReader withText(String column) {
        return new RecordReader(promptColumn, column, labelColumn, header, separator);
    }

    /** With the column or key of the label. */
    public RecordReader withLabel(String column) {
        return new RecordReader(promptColumn, textColumn, column, header, separator);
    }

    /** With names of the columns of a table that has no header line. */
    public RecordReader withHeader(List<String> names) {
        return new RecordReader(promptColumn, textColumn, labelColumn, names, separator);
    }

    /** With another text between prompt and completion. */
    public RecordReader withSeparator(String text) {
        return new RecordReader(promptColumn, textColumn, labelColumn, header, text);
    }

    /** Reads all records of a file. */
    public List<TextRecord> read(Path file) throws IOException {
        return read(file, Integer.MAX_VALUE);
    }

    /**
     * Reads at most so many records of a file.
     *
     * @throws BadFileException with the line, if a record is damaged or has keys that are not read; if the file is missing or has no records
     */
    public List<TextRecord> read(Path file, int limit) throws IOException {
        if (!Files.isRegularFile(file)) {
            throw new BadFileException(
                    file,
                    "a data file was expected here and there is "
                            + (Files.isDirectory(file)
                                    ? "a directory. Name the file in it."
                                    : "none. Check the path."));
        }
        List<TextRecord> records;
        try (InputStream raw = new BufferedInputStream(Files.newInputStream(file));
                InputStream in = isPacked(file, raw) ? new BoundedGzip(file, raw, Files.size(file)) : raw;
                BufferedReader reader =
                        new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8.newDecoder()))) {
            skipMark(reader);
            if (isTable(file)) {
                records = new Table(file, this).read(reader, plainName(file).endsWith(".tsv"), limit);
            } else if (plainName(file).endsWith(".jsonl")) {
                requireNoHeader(file);
                records = new JsonLines(file, this).read(reader, limit);
            } else {
                throw new BadFileException(
                        file, "files that end in .jsonl, .csv or .tsv (and .gz) can be read. Rename or convert it.");
            }
        } catch (CharacterCodingException e) {
            throw new BadFileException(file, "the text is not UTF-8. Convert it (iconv -t UTF-8).", e);
        } catch (ZipException | EOFException e) {
            throw new BadFileException(file, "is damaged: " + e.getMessage() + ". Get it again.", e);
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

    /** By its name, or by how it begins, which no text in UTF-8 does. */
    private static boolean isPacked(Path file, InputStream raw) throws IOException {
        raw.mark(2);
        boolean gzip = raw.read() == 0x1f && raw.read() == 0x8b;
        raw.reset();
        return gzip || lowerName(file).endsWith(PACKED);
    }

    /** Whether a file is a table, by its name. */
    public static boolean isTable(Path file) {
        String plain = plainName(file);
        return plain.endsWith(".csv") || plain.endsWith(".tsv");
    }

    /** Without the end of packed files. */
    private static String plainName(Path file) {
        String name = lowerName(file);
        return name.endsWith(PACKED) ? name.substring(0, name.length() - PACKED.length()) : name;
    }

    private static String lowerName(Path file) {
        return String.valueOf(file.getFileName()).toLowerCase(Locale.ROOT);
    }

    private void requireNoHeader(Path file) throws BadFileException {
        if (!header.isEmpty()) {
            throw new BadFileException(
                    file,
                    "names of columns were given (" + header + "), and records of JSONL name their keys themselves."
                            + " Leave out --columns.");
        }
    }

    /** Some programs put a byte order mark in front of UTF-8. */
    private static void skipMark(BufferedReader reader) throws IOException {
        reader.mark(1);
        if (reader.read() != MARK) {
            reader.reset();
        }
    }

    /** What a file has under the names that were given, or under the usual ones. */
    record Columns(String prompt, String text, String label) {}

    /**
     * Chooses among the names that a file has.
     *
     * @param where for messages: the line, or the table
     */
    Columns choose(Path file, String where, List<String> names) throws BadFileException {
        for (String given : List.of(promptColumn, textColumn, labelColumn)) {
            if (!given.isEmpty() && !names.contains(given)) {
                throw new BadFileException(
                        file,
                        where + "has no \"" + given + "\", which was asked for; it has " + names + "."
                                + TargetModules.suggestion(given, names) + " Name one of these.");
            }
        }
        String text = textColumn;
        if (text.isEmpty()) {
            text = names.contains("completion") ? "completion" : "text";
            if (!names.contains(text)) {
                throw new BadFileException(
                        file,
                        where + "has neither text nor prompt and completion, but " + names + ". Name what is the text"
                                + " (--text-column), and what is the prompt or label if there is one.");
            }
        }
        String prompt = promptColumn;
        if (prompt.isEmpty() && text.equals("completion") && names.contains("prompt")) {
            prompt = "prompt";
        }
        if (prompt.isEmpty() && textColumn.isEmpty() && text.equals("completion")) {
            throw new BadFileException(
                    file,
                    where + "has a completion and no prompt, but " + names
                            + ". Add one, or name the completion as the text (--text-column completion).");
        }
        String label = labelColumn.isEmpty() && names.contains("label") ? "label" : labelColumn;
        return new Columns(prompt, text, label);
    }

    /** Whether the columns were named, so that others are left out on purpose. */
    boolean isNamed() {
        return !textColumn.isEmpty();
    }
}
