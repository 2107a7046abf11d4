package dev.peft4j.models.data;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.peft4j.core.adapter.TargetModules;
import dev.peft4j.core.io.BadFileException;
import java.io.BufferedInputStream;
import java.io.BufferedReader;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.ZipException;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVRecord;

/**
 * Reads records from JSONL ({@code {"text": ..}}, {@code {"prompt": .., "completion": ..}}, {@code {"text": .., "label": ..}}) and from
 * CSV or TSV files with named columns; {@code .gz} files are unpacked while they are read. UTF-8.
 *
 * @param promptColumn column of the prompt; empty for none
 * @param textColumn column of the completion or text
 * @param labelColumn column of the class, a whole number; empty for none
 * @param header names of the columns of a file that has no header line; empty to read them from the first line
 * @param separator put between prompt and completion of a table
 */
public record RecordReader(
        String promptColumn, String textColumn, String labelColumn, List<String> header, String separator) {
    private static final JsonMapper JSON = JsonMapper.builder().build();
    private static final int MAX_LINE = 16 << 20;

    /** JSONL, or a table with the columns prompt and completion, or text and label, whichever it has. */
    public static RecordReader defaults() {
        return new RecordReader("", "", "", List.of(), "\n");
    }

    /**
     * Reads at most so many records of a file.
     *
     * @throws BadFileException with the line, if a record is damaged; if the file is missing or has no records
     */
    public List<TextRecord> read(Path file, int limit) throws IOException {
        if (!Files.isRegularFile(file)) {
            throw new BadFileException(file, "a data file was expected here and there is none. Check the path.");
        }
        String name = String.valueOf(file.getFileName());
        String plain = name.endsWith(".gz") ? name.substring(0, name.length() - 3) : name;
        List<TextRecord> records;
        try (InputStream raw = new BufferedInputStream(Files.newInputStream(file));
                InputStream in = name.endsWith(".gz") ? new BoundedGzip(raw, Files.size(file)) : raw;
                BufferedReader reader =
                        new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8.newDecoder()))) {
            if (plain.endsWith(".csv") || plain.endsWith(".tsv")) {
                records = table(file, reader, plain.endsWith(".tsv"), limit);
            } else if (plain.endsWith(".jsonl")) {
                records = jsonl(file, reader, limit);
            } else {
                throw new BadFileException(
                        file, "files that end in .jsonl, .csv or .tsv (and .gz) can be read. Rename or convert it.");
            }
        } catch (CharacterCodingException e) {
            throw new BadFileException(file, "the text is not UTF-8. Convert it (iconv -t UTF-8).", e);
        } catch (ZipException | EOFException e) {
            throw new BadFileException(file, "is damaged: " + e.getMessage() + ". Get it again.", e);
        }
        if (records.isEmpty()) {
            throw new BadFileException(
                    file, "records were expected and the file has none. Give a file with at least one.");
        }
        return records;
    }

    private static List<TextRecord> jsonl(Path file, BufferedReader reader, int limit) throws IOException {
        List<TextRecord> records = new ArrayList<>();
        int line = 0;
        StringBuilder text = new StringBuilder();
        int c;
        do {
            text.setLength(0);
            line++;
            while ((c = reader.read()) >= 0 && c != '\n') {
                text.append((char) c);
                if (text.length() > MAX_LINE) {
                    throw new BadFileException(
                            file, "line " + line + " has more than " + MAX_LINE + " characters. Split the record.");
                }
            }
            if (!text.toString().isBlank()) {
                records.add(record(file, line, text.toString()));
            }
        } while (c >= 0 && records.size() < limit);
        return records;
    }

    private static TextRecord record(Path file, int line, String text) throws IOException {
        JsonNode node;
        try {
            node = JSON.readTree(text);
        } catch (JacksonException e) {
            throw new BadFileException(
                    file, "line " + line + " is not JSON: " + e.getOriginalMessage() + ". Correct the line.", e);
        }
        JsonNode label = node.path("label");
        if (node.path("prompt").isTextual() && node.path("completion").isTextual()) {
            return new TextRecord(
                    node.get("prompt").asText(), node.get("completion").asText(), null);
        }
        if (node.path("text").isTextual() && (label.isMissingNode() || label.isInt())) {
            return new TextRecord("", node.get("text").asText(), label.isInt() ? (Integer) label.asInt() : null);
        }
        throw new BadFileException(
                file,
                "line " + line + " has neither \"text\" (with a whole number as \"label\", if any) nor"
                        + " \"prompt\" and \"completion\". Correct the line.");
    }

    private List<TextRecord> table(Path file, BufferedReader reader, boolean tabs, int limit) throws IOException {
        CSVFormat.Builder format = tabs
                ? CSVFormat.DEFAULT.builder().setDelimiter('\t').setQuote(null).setRecordSeparator('\n')
                : CSVFormat.DEFAULT.builder();
        if (header.isEmpty()) {
            format.setHeader().setSkipHeaderRecord(true);
        } else {
            format.setHeader(header.toArray(String[]::new));
        }
        List<TextRecord> records = new ArrayList<>();
        try (CSVParser parser = CSVParser.parse(reader, format.get())) {
            List<String> columns = parser.getHeaderNames();
            String text = column(file, columns, textColumn, "completion", "text");
            String prompt = promptColumn.isEmpty() && text.equals("completion") ? "prompt" : promptColumn;
            String label = labelColumn.isEmpty() && columns.contains("label") ? "label" : labelColumn;
            if (!prompt.isEmpty()) {
                column(file, columns, prompt);
            }
            if (!label.isEmpty()) {
                column(file, columns, label);
            }
            for (CSVRecord row : parser) {
                if (records.size() == limit) {
                    break;
                }
                if (!row.isConsistent()) {
                    throw new BadFileException(
                            file,
                            "record " + row.getRecordNumber() + " (line " + parser.getCurrentLineNumber() + ") has "
                                    + row.size() + " fields, the header " + columns.size() + ". Correct the line.");
                }
                records.add(new TextRecord(
                        prompt.isEmpty() ? "" : row.get(prompt) + separator,
                        row.get(text),
                        label.isEmpty() ? null : label(file, parser.getCurrentLineNumber(), row.get(label))));
            }
        } catch (UncheckedIOException e) {
            throw new BadFileException(file, "cannot be read as a table: " + e.getMessage() + ". Correct the file.", e);
        }
        return records;
    }

    private static int label(Path file, long line, String value) throws BadFileException {
        try {
            return Integer.parseInt(value.trim());
        } catch (NumberFormatException e) {
            throw new BadFileException(
                    file,
                    "line " + line + ": the label \"" + value + "\" is not a whole number. Number the classes from 0.",
                    e);
        }
    }

    private static String column(Path file, List<String> columns, String... names) throws BadFileException {
        for (String name : names) {
            if (!name.isEmpty() && columns.contains(name)) {
                return name;
            }
            if (!name.isEmpty() && name.equals(names[0])) {
                throw new BadFileException(
                        file,
                        "a column \"" + name + "\" was asked for; the file has " + columns + "."
                                + TargetModules.suggestion(name, columns) + " Name one of these.");
            }
        }
        throw new BadFileException(
                file,
                "no column of " + columns + " is called completion or text. Name the column of the text"
                        + " (--text-column), and that of the prompt or label if there is one.");
    }
}
