package dev.peft4j.models.data;

import dev.peft4j.core.adapter.TargetModules;
import dev.peft4j.core.error.BadFileException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * Reads records from JSONL ({@code {"text": ..}}, {@code {"prompt": .., "completion": ..}}, {@code {"text": .., "label": ..}}, several labels or the tags of
 * words as a list: {@code {"text": .., "labels": [..]}}, {@code {"tokens": [..], "tags": [..]}}) and from
 * CSV or TSV files with named columns; gzip is unpacked while it is read, whatever the name says. UTF-8, with or without a byte order mark. Files of a
 * {@link RowFormat}, as Parquet, are read as JSONL: each row is an object.
 *
 * @param promptColumn column or key of the prompt; empty for none
 * @param textColumn column or key of the completion or text
 * @param labelColumn column or key of the label; empty for none
 * @param header names of the columns of a table that has no header line; empty to read them from the first line
 * @param separator put between prompt and completion where their columns were named or the file is a table
 */
public record RecordReader(
        String promptColumn, String textColumn, String labelColumn, List<String> header, String separator) {
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
        if (RowFiles.isOne(file)) {
            requireNoHeader(file);
            return new JsonLines(file, this).readRows(limit);
        }
        return DataFile.read(file, reader -> {
            if (isTable(file)) {
                return new Table(file, this)
                        .read(reader, DataFile.plainName(file).endsWith(".tsv"), limit);
            }
            if (DataFile.plainName(file).endsWith(".jsonl")) {
                requireNoHeader(file);
                return new JsonLines(file, this).read(reader, limit);
            }
            throw new BadFileException(
                    file,
                    "files that end in " + RowFiles.endings(".jsonl", ".csv", ".tsv", ".gz")
                            + " can be read. Rename or convert it.");
        });
    }

    /** Whether a file is a table, by its name. */
    public static boolean isTable(Path file) {
        String plain = DataFile.plainName(file);
        return plain.endsWith(".csv") || plain.endsWith(".tsv");
    }

    private void requireNoHeader(Path file) throws BadFileException {
        if (!header.isEmpty()) {
            throw new BadFileException(
                    file,
                    "names of columns were given (" + header
                            + "), and records of JSONL and Parquet name their keys themselves."
                            + " Leave out --columns.");
        }
    }

    /** What a file has under the names that were given, or under the usual ones. */
    record Columns(String prompt, String text, String label) {
        private boolean areIn(List<String> names) {
            return names.containsAll(
                    Stream.of(prompt, text, label).filter(n -> !n.isEmpty()).toList());
        }
    }

    /** What records of other tasks than texts are usually called: words and tags, questions and answers, pairs. */
    private static final List<Columns> USUAL = List.of(
            new Columns("", "tokens", "tags"),
            new Columns("", "tokens", "ner_tags"),
            new Columns("question", "context", "answers"),
            new Columns("question", "context", "answer"),
            new Columns("anchor", "positive", ""),
            new Columns("sentence1", "sentence2", "label"),
            new Columns("premise", "hypothesis", "label"));

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
        for (Columns usual : USUAL) {
            if (textColumn.isEmpty() && promptColumn.isEmpty() && labelColumn.isEmpty() && usual.areIn(names)) {
                return usual;
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
        String label = labelColumn;
        if (label.isEmpty()) {
            label = names.contains("label") ? "label" : names.contains("labels") ? "labels" : "";
        }
        return new Columns(prompt, text, label);
    }

    /** Whether the columns were named, so that others are left out on purpose. */
    boolean isNamed() {
        return !textColumn.isEmpty();
    }
}
