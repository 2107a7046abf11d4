package dev.peft4j.models.data;

import dev.peft4j.core.adapter.TargetModules;
import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.site.TaskType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Reads records from JSONL ({@code {"text": ..}}, {@code {"prompt": .., "completion": ..}}, {@code {"text": .., "label": ..}}, several labels or the tags of
 * words as a list: {@code {"text": .., "labels": [..]}}, {@code {"tokens": [..], "tags": [..]}}, and the other usual keys of tasks) and from
 * CSV or TSV files with named columns; gzip is unpacked while it is read, whatever the name says. UTF-8, with or without a byte order mark. Files of a
 * {@link RowFormat}, as Parquet, are read as JSONL: each row is an object.
 *
 * @param promptColumn column or key of the prompt; empty for none
 * @param textColumn column or key of the completion or text
 * @param labelColumn column or key of the label; empty for none
 * @param header names of the columns of a table that has no header line; empty to read them from the first line
 * @param separator put between prompt and completion where their columns were named or the file is a table
 * @param task whose usual columns are looked for where none were named (docs/MODELS.md lists them); null for those of all tasks, of which a file has to have one clearly
 */
public record RecordReader(
        String promptColumn,
        String textColumn,
        String labelColumn,
        List<String> header,
        String separator,
        @Nullable TaskType task) {
    private static final String NAMING =
            "(--prompt-column, --text-column, --label-column; in Java RecordReader.withPrompt, withText, withLabel)";

    /** The usual columns of a task, whichever a file has. */
    public static RecordReader defaults() {
        return new RecordReader("", "", "", List.of(), "\n", null);
    }

    /** With the usual columns of this task alone, where those of several would be looked for. */
    public RecordReader withTask(TaskType of) {
        return new RecordReader(promptColumn, textColumn, labelColumn, header, separator, of);
    }

    /** With the column or key of the prompt. */
    public RecordReader withPrompt(String column) {
        return new RecordReader(column, textColumn, labelColumn, header, separator, task);
    }

    /** With the column or key of the completion, or of the text to classify. */
    public RecordReader withText(String column) {
        return new RecordReader(promptColumn, column, labelColumn, header, separator, task);
    }

    /** With the column or key of the label. */
    public RecordReader withLabel(String column) {
        return new RecordReader(promptColumn, textColumn, column, header, separator, task);
    }

    /** With names of the columns of a table that has no header line. */
    public RecordReader withHeader(List<String> names) {
        return new RecordReader(promptColumn, textColumn, labelColumn, names, separator, task);
    }

    /** With another text between prompt and completion. */
    public RecordReader withSeparator(String text) {
        return new RecordReader(promptColumn, textColumn, labelColumn, header, text, task);
    }

    /** Reads all records of a file. */
    public List<TextRecord> read(Path file) throws IOException {
        return read(file, Integer.MAX_VALUE);
    }

    /**
     * Reads at most so many records of a file.
     *
     * @param limit at least 1
     * @throws BadFileException with the line, if a record is damaged or has keys that are not read; if the file is missing or has no records
     */
    public List<TextRecord> read(Path file, int limit) throws IOException {
        DataFile.requireLimit(limit);
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
                            + " Leave out --columns (in Java withHeader).");
        }
    }

    /** What a file has under the names that were given, or under the usual ones. */
    record Columns(String prompt, String text, String label) {
        private boolean isLike(Columns other) {
            return prompt.equals(other.prompt) && text.equals(other.text);
        }

        /** The names, for messages. */
        @Override
        public String toString() {
            return Stream.of(prompt, text, label)
                    .filter(n -> !n.isEmpty())
                    .toList()
                    .toString();
        }
    }

    /**
     * Chooses among the names that a file has: those that were given, and the usual ones of the task for the others.
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
        List<RecordForm> forms = RecordForm.of(task).stream()
                .filter(f -> textColumn.isEmpty()
                        || !promptColumn.isEmpty()
                        || f.prompt().isEmpty()
                        || (task != null && f.isAlwaysOfTwo())
                        || f.text().equals(List.of(textColumn)))
                .map(f -> f.named(promptColumn, textColumn, labelColumn))
                .toList();
        int most = forms.stream().mapToInt(f -> f.fit(names)).max().orElse(0);
        if (most > 0) {
            return only(
                    file,
                    where,
                    names,
                    forms.stream().filter(f -> f.fit(names) == most).toList());
        }
        if (textColumn.isEmpty()) {
            throw new BadFileException(file, where + missing(names));
        }
        return new Columns(promptColumn, textColumn, labelColumn);
    }

    /** What the forms that fit best agree on. */
    private Columns only(Path file, String where, List<String> names, List<RecordForm> fitting)
            throws BadFileException {
        RecordForm first = fitting.get(0);
        Columns columns = first.columns(names);
        for (RecordForm f : fitting) {
            List<String> doubled = f.doubled(names);
            if (doubled.isEmpty() && !f.tasks().equals(first.tasks()) && !columns.isLike(f.columns(names))) {
                doubled = List.of(columns.toString(), f.columns(names).toString());
            }
            if (!doubled.isEmpty()) {
                throw new BadFileException(
                        file,
                        where + "has " + names + ", of which " + String.join(" and ", doubled)
                                + " may both be meant. Name what is the text, the prompt and the label " + NAMING
                                + ", or take one of them out.");
            }
        }
        return columns;
    }

    private String missing(List<String> names) {
        String form = form(names);
        if (form != null) {
            return "has neither text nor prompt and completion, but " + names + ". " + form;
        }
        if (names.contains("completion") && !names.contains("prompt") && (task == null || task == TaskType.CAUSAL_LM)) {
            return "has a completion and no prompt, but " + names
                    + ". Add one, or name the completion as the text (--text-column completion; in Java"
                    + " RecordReader.withText(\"completion\")).";
        }
        return task == null
                ? "has neither text nor prompt and completion, nor the keys of records of another task, but " + names
                        + ". Rename them (" + usual()
                        + "), or name what is the text, and what is the prompt or label if"
                        + " there is one " + NAMING + "."
                : "has not what records for " + task + " have (" + usual() + "), but " + names
                        + ". Add or rename what is missing, or name what is the text, the prompt and the label "
                        + NAMING
                        + ".";
    }

    /** The keys of the records that are read, for messages. */
    private String usual() {
        return RecordForm.of(task).stream()
                .filter(f -> task == null || task == TaskType.CAUSAL_LM || !f.isOfAll())
                .map(RecordForm::toString)
                .distinct()
                .collect(Collectors.joining("; or "));
    }

    /** What to do with keys that would not be read, for messages. */
    String unread(List<String> keys, Columns read) {
        boolean meant = RecordForm.of(task).stream().anyMatch(f -> keys.stream().anyMatch(f::has));
        return "has " + keys + " beside " + read + ", and records "
                + (task == null ? "" : "for " + task + " ") + "have " + usual() + ". "
                + (meant ? "Rename what is missing, or name" : "Take out what is not to be read, or name")
                + " the keys that are meant (--text-column " + read.text() + " ...; in Java RecordReader.withText(\""
                + read.text() + "\")), so that others are left out.";
    }

    /** What files of conversations and preferences are called, or null. */
    private static @Nullable String form(List<String> names) {
        if (names.contains("messages")
                || names.contains("conversations")
                || names.containsAll(List.of("instruction", "output"))) {
            return "These are conversations: add --form chat (in Java Conversations.read).";
        }
        if (names.containsAll(List.of("chosen", "rejected"))) {
            return "These are preferences: add --form dpo or orpo (in Java Preferences.read).";
        }
        return null;
    }

    /** Whether the columns were named, so that others are left out on purpose. */
    boolean isNamed() {
        return !textColumn.isEmpty();
    }
}
