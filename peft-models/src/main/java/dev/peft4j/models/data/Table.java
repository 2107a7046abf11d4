package dev.peft4j.models.data;

import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.error.StoppedException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.regex.Pattern;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVRecord;
import org.jspecify.annotations.Nullable;

/**
 * A CSV or TSV file.
 *
 * @param file for messages
 * @param settings names of the columns
 */
record Table(Path file, RecordReader settings) {
    private static final Pattern LINE_END = Pattern.compile("\\R");

    List<TextRecord> read(BufferedReader reader, boolean tabs, int limit) throws IOException {
        CSVFormat format = tabs
                ? CSVFormat.DEFAULT
                        .builder()
                        .setDelimiter('\t')
                        .setQuote(null)
                        .setRecordSeparator('\n')
                        .get()
                : CSVFormat.DEFAULT;
        try (CSVParser parser = CSVParser.parse(reader, format)) {
            Iterator<CSVRecord> rows = parser.iterator();
            List<String> names = settings.header().isEmpty() ? header(parser, rows) : settings.header();
            checkNames(names);
            RecordReader.Columns columns = settings.choose(file, "the table ", names);
            List<TextRecord> records = new ArrayList<>();
            while (records.size() < limit) {
                long before = parser.getCurrentLineNumber();
                CSVRecord row = next(parser, rows);
                if (row == null) {
                    break;
                }
                StoppedException.ifInterrupted(() -> file + " was to be read");
                long line = Math.max(before + 1, parser.getCurrentLineNumber() - linesWithin(row)); // behind empty ones
                if (row.size() != names.size()) {
                    throw new BadFileException(
                            file,
                            "line " + line + " has " + row.size() + " fields, the header " + names.size() + " " + names
                                    + ". Correct the line.");
                }
                String prompt = columns.prompt().isEmpty()
                        ? ""
                        : row.get(names.indexOf(columns.prompt())) + settings.separator();
                records.add(new TextRecord(
                        prompt,
                        row.get(names.indexOf(columns.text())),
                        columns.label().isEmpty() ? null : row.get(names.indexOf(columns.label())),
                        file + ", line " + line));
            }
            return records;
        }
    }

    /** Line ends in the quoted fields of a record. */
    private static long linesWithin(CSVRecord row) {
        return row.stream()
                .mapToLong(field -> LINE_END.matcher(field).results().count())
                .sum();
    }

    private List<String> header(CSVParser parser, Iterator<CSVRecord> rows) throws IOException {
        CSVRecord first = next(parser, rows);
        if (first == null) {
            throw new BadFileException(
                    file, "a table with a header line was expected, and the file is empty. Give another file.");
        }
        return first.stream().map(String::strip).toList();
    }

    private void checkNames(List<String> names) throws BadFileException {
        for (String name : names) {
            if (name.isEmpty()) {
                throw new BadFileException(
                        file,
                        "a column of " + names
                                + " has no name. Correct the header line, or name all columns (--columns; in Java withHeader).");
            }
            if (Collections.frequency(names, name) > 1) {
                throw new BadFileException(
                        file,
                        "two columns of " + names + " are called " + name
                                + ". Correct the header line, or name all columns (--columns; in Java withHeader).");
            }
        }
    }

    /** The next record, or null at the end. */
    private @Nullable CSVRecord next(CSVParser parser, Iterator<CSVRecord> rows) throws IOException {
        long line = parser.getCurrentLineNumber() + 1;
        try {
            return rows.hasNext() ? rows.next() : null;
        } catch (UncheckedIOException e) {
            throw e.getCause() instanceof CharacterCodingException || e.getCause() instanceof BadFileException
                    ? e.getCause()
                    : damaged(line, e);
        } catch (IllegalStateException | IllegalArgumentException e) {
            throw e.getCause() instanceof BadFileException bad ? bad : damaged(line, e);
        }
    }

    private BadFileException damaged(long line, RuntimeException e) {
        Throwable cause = e.getCause() == null ? e : e.getCause();
        return new BadFileException(
                file,
                "line " + line + " cannot be read as a part of a table: " + cause.getMessage() + ". Correct the file.",
                e);
    }
}
