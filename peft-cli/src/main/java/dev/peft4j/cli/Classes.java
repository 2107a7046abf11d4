package dev.peft4j.cli;

import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.adapter.AdapterInfo;
import dev.peft4j.core.adapter.TaskType;
import dev.peft4j.core.data.ProblemType;
import dev.peft4j.core.io.Json;
import dev.peft4j.models.ModelInfo;
import dev.peft4j.models.data.Labels;
import dev.peft4j.models.data.TextRecord;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** What a classifier is to predict: by what was asked for, by the adapters, by the head of the checkpoint, or by the records. */
final class Classes {
    private static final String NOTE = "peft4j_classes"; // with an adapter: a JSON object with their names as a list
    private static final double EXTREME = 0.95;
    private static final int SHOWN = 12;
    private static final Pattern NUMBER = Pattern.compile("[+-]?[0-9]+([.]0*)?");

    private Classes() {}

    /**
     * Outputs that adapters were trained for, or that were asked for; 0 if neither says.
     *
     * @throws IllegalArgumentException if they contradict each other, or a language model was asked for classes
     */
    static int outputs(ModelInfo model, int asked, List<Path> adapters) throws IOException {
        if (model.task() != TaskType.SEQ_CLS) {
            if (asked > 0) {
                throw new IllegalArgumentException("--classes " + asked + " was given, and this " + model.modelType()
                        + " model predicts tokens, not classes. Leave it out, or use a BERT.");
            }
            return 0;
        }
        int outputs = asked;
        for (Path directory : adapters) {
            int trained = AdapterFiles.describe(directory).outputs();
            if (trained > 0 && outputs > 0 && trained != outputs) {
                throw new IllegalArgumentException(directory + " has a head of " + trained + " classes, and "
                        + (asked > 0 ? "--classes " + asked + " was given" : "another adapter has " + outputs)
                        + ". Use adapters of one task" + (asked > 0 ? ", and leave out --classes." : "."));
            }
            outputs = trained > 0 ? trained : outputs;
        }
        return outputs;
    }

    /**
     * What the labels of records mean.
     *
     * @param asked outputs by the command line, or 0
     * @param adapters that are active
     * @param records that decide where nothing else does
     */
    static Labels of(ModelInfo model, int asked, List<Path> adapters, List<TextRecord> records) throws IOException {
        int outputs = outputs(model, asked, adapters);
        if (model.task() != TaskType.SEQ_CLS) {
            return Labels.numbered(Integer.MAX_VALUE);
        }
        int known = outputs > 0 ? outputs : model.head();
        ProblemType problem = model.problem(known > 0 ? known : model.labels().size());
        List<String> names = names(model, adapters, known);
        if (problem != ProblemType.SINGLE_LABEL_CLASSIFICATION) {
            int count = known > 0 ? known : Math.max(model.labels().size(), Labels.count(records.get(0)));
            return new Labels(problem, count, names.size() == count ? names : List.of());
        }
        if (!names.isEmpty()) {
            return new Labels(problem, known, names);
        }
        Labels found = Labels.ofClasses(records, known > 0 ? known : Integer.MAX_VALUE);
        if (known == 0) {
            return found;
        }
        if (found.outputs() > known
                || (found.outputs() < known && !found.names().isEmpty())) {
            throw new IllegalArgumentException((asked > 0
                            ? "--classes " + asked + " was given"
                            : "the checkpoint has a head of " + known + " classes")
                    + ", and the records have " + found.outputs() + ": " + found.names()
                    + ". Correct the labels, or give --classes "
                    + found.outputs() + " for a new head.");
        }
        return new Labels(problem, known, found.names());
    }

    /**
     * Makes sure that labels which are words can be compared with what a head was trained to say.
     *
     * @throws IllegalArgumentException if neither the adapters nor the checkpoint tell which output is which word
     */
    static void requireKnown(ModelInfo model, int asked, List<Path> adapters, List<TextRecord> records)
            throws IOException {
        int outputs = outputs(model, asked, adapters);
        int known = outputs > 0 ? outputs : model.head();
        if (model.task() != TaskType.SEQ_CLS
                || known == 0
                || model.problem(known) != ProblemType.SINGLE_LABEL_CLASSIFICATION
                || !names(model, adapters, known).isEmpty()) {
            return;
        }
        for (TextRecord record : records) {
            String label = record.label();
            if (label != null && !NUMBER.matcher(label.strip()).matches()) {
                throw new IllegalArgumentException("the label " + label
                        + " was found, and neither the checkpoint (id2label) nor an adapter tells which of the " + known
                        + " outputs it is. Give the numbers of the outputs as labels, or name them in config.json.");
            }
        }
    }

    private static List<String> names(ModelInfo model, List<Path> adapters, int outputs) throws IOException {
        for (Path directory : adapters) {
            List<String> names = saved(directory);
            if (names.size() == outputs) {
                return names;
            }
        }
        return model.labels().size() == outputs ? model.labels() : List.of();
    }

    /** The names of classes that were saved with an adapter, one for each output of its head; none if there are none. */
    static List<String> saved(Path adapter) throws IOException {
        AdapterInfo info = AdapterFiles.describe(adapter);
        String note = info.notes().get(NOTE);
        List<?> names = note != null && Json.parse(note).get("names") instanceof List<?> l ? l : List.of();
        return names.size() == info.outputs()
                ? names.stream().map(String::valueOf).toList()
                : List.of();
    }

    /** What is saved with an adapter, so that its classes are known when it is used. */
    static Map<String, String> notes(Labels labels) throws IOException {
        return labels.names().isEmpty() ? Map.of() : Map.of(NOTE, Json.printLine(Map.of("names", labels.names())));
    }

    /**
     * Says how many records to train on each class has, and warns if nearly all are of one.
     *
     * @throws IllegalArgumentException if all are of one
     */
    static void print(PrintWriter out, ModelInfo model, Labels labels, List<TextRecord> records) {
        if (model.task() != TaskType.SEQ_CLS || labels.problem() != ProblemType.SINGLE_LABEL_CLASSIFICATION) {
            return;
        }
        int[] counts = labels.counts(records);
        String shares = IntStream.range(0, Math.min(SHOWN, counts.length))
                .mapToObj(i -> String.format(
                        Locale.ROOT, "%s %,d (%.1f %%)", labels.name(i), counts[i], 100.0 * counts[i] / records.size()))
                .collect(Collectors.joining(", "));
        out.printf("  %d classes: %s%s%n", counts.length, shares, counts.length > SHOWN ? ", ..." : "");
        int most = Arrays.stream(counts).max().orElse(0);
        if (most == records.size()) {
            throw new IllegalArgumentException("classes were to be learnt, and all " + most
                    + " records have the label " + records.get(0).label()
                    + ". Give records of at least two classes.");
        }
        if (most >= EXTREME * records.size()) {
            out.printf(
                    Locale.ROOT,
                    "  WARNING: %.1f %% of the records are of one class; always answering it would be as right as that.%n",
                    100.0 * most / records.size());
        }
    }
}
