package dev.peft4j.models.data;

import dev.peft4j.core.adapter.AdapterFiles;
import dev.peft4j.core.adapter.AdapterInfo;
import dev.peft4j.core.data.ProblemType;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.format.Json;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.models.ModelInfo;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * What a classifier is to predict: by what was asked for, by the adapters, by the head of the checkpoint, or by the records. The names of the classes are
 * kept with an adapter, as {@code id2label} in the metadata of its tensors, since PEFT's config has no place for them; and that a text may have several, as
 * {@code problem_type}.
 */
public final class Classes {
    private static final String NOTE = "id2label"; // a JSON object, as in config.json
    private static final String PROBLEM = "problem_type"; // noted of several labels only
    private static final String FIRST_NOTE = "peft4j_classes"; // of first versions: a JSON object with a list "names"
    private static final double EXTREME = 0.95;
    private static final int SHOWN = 12;

    private Classes() {}

    /**
     * Outputs that adapters were trained for, or that were asked for; 0 if neither says.
     *
     * @throws BadInputException if they contradict each other, or a language model was asked for classes
     */
    public static int outputs(ModelInfo model, int asked, List<Path> adapters) throws IOException {
        if (!model.task().classifies()) {
            if (asked > 0) {
                throw new BadInputException(asked + " classes were asked for (--classes; in Java classes), and this "
                        + model.modelType() + " model predicts tokens, not classes. Leave that out, or use a BERT.");
            }
            return 0;
        }
        int outputs = asked;
        for (Path directory : adapters) {
            int trained = model.outputs(directory);
            if (trained > 0 && outputs > 0 && trained != outputs) {
                throw new BadInputException(directory + " has a head of " + trained + " classes, and "
                        + (asked > 0
                                ? asked + " were asked for (--classes; in Java classes)"
                                : "another adapter has " + outputs)
                        + ". Use adapters of one task" + (asked > 0 ? ", and do not ask for a number." : "."));
            }
            outputs = trained > 0 ? trained : outputs;
        }
        return outputs;
    }

    /**
     * What a classifier of sequences predicts, by the adapters or by the checkpoint; null if neither says, and the number of outputs or the records decide.
     *
     * @throws dev.peft4j.core.error.BadFileException if an adapter cannot be read
     */
    public static @Nullable ProblemType problem(ModelInfo model, List<Path> adapters) throws IOException {
        for (Path directory : adapters) {
            AdapterInfo info = AdapterFiles.describe(directory);
            if (ProblemType.MULTI_LABEL_CLASSIFICATION
                    .toString()
                    .equals(info.notes().get(PROBLEM))) {
                return ProblemType.MULTI_LABEL_CLASSIFICATION;
            }
            if (model.problem() == null
                    && model.outputs(directory) > 1
                    && !saved(directory).isEmpty()) {
                return ProblemType.SINGLE_LABEL_CLASSIFICATION; // else it would be noted beside the names
            }
        }
        return model.problem();
    }

    /**
     * What the labels of records mean.
     *
     * @param asked outputs by the command line, or 0
     * @param adapters that are active
     * @param records that decide where nothing else does
     */
    public static Labels of(ModelInfo model, int asked, List<Path> adapters, List<TextRecord> records)
            throws IOException {
        int outputs = outputs(model, asked, adapters);
        if (!model.task().classifies()) {
            return Labels.none();
        }
        LabelText.requireEach(records);
        int known = outputs > 0 ? outputs : model.head();
        if (model.task() == TaskType.TOKEN_CLS) {
            return ofTags(model, asked, adapters, records, known);
        }
        List<String> names = names(model, adapters, known);
        ProblemType told = problem(model, adapters);
        int likely = known > 0 ? known : model.labels().size();
        ProblemType problem = told != null
                ? told
                : likely != 1 && LabelLists.areLists(records)
                        ? ProblemType.MULTI_LABEL_CLASSIFICATION
                        : model.problem(likely);
        if (problem == ProblemType.MULTI_LABEL_CLASSIFICATION) {
            return ofSets(model, asked, adapters, records, told == null ? known : likely);
        }
        if (problem == ProblemType.SINGLE_LABEL_CLASSIFICATION) {
            LabelLists.requireNone(records, names);
        }
        if (problem != ProblemType.SINGLE_LABEL_CLASSIFICATION) {
            int count = known > 0 ? known : Math.max(model.labels().size(), Labels.count(records.get(0)));
            if (count == 0) {
                throw records.get(0)
                        .error("numbers are to be predicted, and the record has none. Give one for each output.");
            }
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
            throw new BadInputException((asked > 0
                            ? asked + " classes were asked for (--classes; in Java classes)"
                            : "the checkpoint has a head of " + known + " classes")
                    + ", and the records have " + found.outputs() + ": " + found.names()
                    + ". Correct the labels, or ask for "
                    + found.outputs() + " classes (--classes; in Java classes) for a new head.");
        }
        return new Labels(problem, known, found.names());
    }

    private static Labels ofTags(ModelInfo model, int asked, List<Path> adapters, List<TextRecord> records, int known)
            throws IOException {
        List<String> names = names(model, adapters, known);
        if (known > 0 && !names.isEmpty()) {
            return new Labels(ProblemType.SINGLE_LABEL_CLASSIFICATION, known, names);
        }
        Labels found = Labels.ofTags(records, known > 0 ? known : Integer.MAX_VALUE);
        if (known > 0 && found.outputs() != known) {
            throw new BadInputException((asked > 0
                            ? asked + " tags were asked for (--classes; in Java classes)"
                            : "the checkpoint has a head of " + known + " tags")
                    + ", and the records have " + found.outputs() + ": " + found.names()
                    + ". Correct the tags, or ask for "
                    + found.outputs() + " (--classes; in Java classes) for a new head.");
        }
        return found;
    }

    /** Of records that have several labels, or none. */
    private static Labels ofSets(ModelInfo model, int asked, List<Path> adapters, List<TextRecord> records, int told)
            throws IOException {
        List<String> names = names(model, adapters, told);
        if (told > 0 && !names.isEmpty()) {
            return new Labels(ProblemType.MULTI_LABEL_CLASSIFICATION, told, names);
        }
        Labels found = Labels.ofSets(records);
        if (told == 0 && records.stream().allMatch(r -> Labels.count(r) == 0)) {
            throw new BadInputException("labels were to be learnt, and the lists of all " + records.size()
                    + " records are empty. Give records that have labels.");
        }
        if (told > 0 && found.outputs() != told && !found.names().isEmpty()) {
            throw new BadInputException((asked > 0
                            ? asked + " labels were asked for (--classes; in Java classes)"
                            : "the checkpoint is for " + told + " labels")
                    + ", and the records have " + found.outputs() + ": " + found.names()
                    + ". Correct the labels, or ask for "
                    + found.outputs() + " (--classes; in Java classes) for a new head.");
        }
        return new Labels(ProblemType.MULTI_LABEL_CLASSIFICATION, told > 0 ? told : found.outputs(), found.names());
    }

    /**
     * Makes sure that labels which are words can be compared with what a head was trained to say.
     *
     * @throws BadInputException if neither the adapters nor the checkpoint tell which output is which word
     */
    public static void requireKnown(ModelInfo model, int asked, List<Path> adapters, List<TextRecord> records)
            throws IOException {
        int outputs = outputs(model, asked, adapters);
        int known = outputs > 0 ? outputs : model.head();
        if (!model.task().classifiesWhole()
                || known == 0
                || !names(model, adapters, known).isEmpty()) {
            return;
        }
        ProblemType told = problem(model, adapters);
        boolean lists = told == null
                ? known != 1 && LabelLists.areLists(records)
                : told == ProblemType.MULTI_LABEL_CLASSIFICATION;
        if (!lists && (told == null ? model.problem(known) : told) == ProblemType.REGRESSION) {
            return;
        }
        for (TextRecord record : records) {
            String label = record.label();
            if (label == null) {
                continue;
            }
            List<String> said = lists ? LabelText.parts(record) : List.of(label.strip());
            if (said.stream().anyMatch(l -> LabelText.whole(l) == null)) {
                throw record.error("the label " + JsonLine.shorten(label)
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

    /**
     * What a model predicts with some adapters, without records that say so.
     *
     * @throws BadInputException if neither the adapters nor the checkpoint have a head, or the model is none that classifies
     */
    public static Labels known(ModelInfo model, List<Path> adapters) throws IOException {
        if (!model.task().classifies()) {
            throw new BadInputException("texts were to be classified, and this " + model.modelType() + " model is for "
                    + model.task() + ". Open one that classifies.");
        }
        int outputs = outputs(model, 0, adapters);
        int known = outputs > 0 ? outputs : model.head();
        if (known == 0) {
            throw new BadInputException("texts were to be classified, and neither the checkpoint nor "
                    + (adapters.isEmpty() ? "an adapter" : adapters) + " has a trained head. Give an adapter of a"
                    + " classifier, or train one.");
        }
        ProblemType problem = problem(model, adapters);
        return new Labels(problem == null ? model.problem(known) : problem, known, names(model, adapters, known));
    }

    /** The names of classes that were saved with an adapter that has a head of as many; none if there are none. */
    public static List<String> saved(Path adapter) throws IOException {
        AdapterInfo info = AdapterFiles.describe(adapter);
        List<String> names = names(adapter, info.notes());
        return info.rows().containsValue(names.size()) ? names : List.of();
    }

    private static List<String> names(Path adapter, Map<String, String> notes) throws IOException {
        String note = notes.get(NOTE);
        if (note != null) {
            Map<String, Object> byId = Json.parse(adapter, note);
            List<String> names = new ArrayList<>();
            while (byId.get(String.valueOf(names.size())) instanceof String name) {
                names.add(name);
            }
            return names.size() == byId.size() ? names : List.of();
        }
        String first = notes.get(FIRST_NOTE);
        return first != null && Json.parse(adapter, first).get("names") instanceof List<?> l
                ? l.stream().map(String::valueOf).toList()
                : List.of();
    }

    /**
     * What is saved with an adapter, so that its classes and the form of its head are known when it is used.
     *
     * @param form what the head says of it: {@link dev.peft4j.core.layer.Head#fields}
     */
    public static Map<String, String> notes(Labels labels, Map<String, Object> form) throws IOException {
        Map<String, String> notes = new LinkedHashMap<>();
        form.forEach((name, value) -> notes.put(name, String.valueOf(value))); // numbers, or a name
        if (!labels.names().isEmpty()) {
            Map<String, Object> byId = new LinkedHashMap<>();
            labels.names().forEach(name -> byId.put(String.valueOf(byId.size()), name));
            notes.put(NOTE, Json.printLine(byId));
        }
        if (labels.problem() == ProblemType.MULTI_LABEL_CLASSIFICATION) {
            notes.put(PROBLEM, labels.problem().toString());
        }
        return notes;
    }

    /**
     * How many records to train on each class has, as lines to be shown; the second warns if nearly all are of one. None if there are no classes.
     *
     * @throws BadInputException if all are of one
     */
    public static List<String> shares(ModelInfo model, Labels labels, List<TextRecord> records) {
        boolean sets = labels.problem() == ProblemType.MULTI_LABEL_CLASSIFICATION;
        if (!model.task().classifiesWhole() || labels.problem() == ProblemType.REGRESSION) {
            return List.of();
        }
        int[] counts = labels.counts(records);
        String shares = IntStream.range(0, Math.min(SHOWN, counts.length))
                .mapToObj(i -> String.format(
                        Locale.ROOT, "%s %,d (%.1f %%)", labels.name(i), counts[i], 100.0 * counts[i] / records.size()))
                .collect(Collectors.joining(", "));
        List<String> lines = new ArrayList<>();
        lines.add(String.format(
                Locale.ROOT,
                "%d %s: %s%s",
                counts.length,
                sets ? "labels, of which a record has any number" : "classes",
                shares,
                counts.length > SHOWN ? ", ..." : ""));
        if (sets) {
            return lines;
        }
        int most = Arrays.stream(counts).max().orElse(0);
        if (most == records.size()) {
            throw new BadInputException("classes were to be learnt, and all " + most
                    + " records have the label " + records.get(0).label()
                    + records.get(0).firstPlace() + ". Give records of at least two classes.");
        }
        if (most >= EXTREME * records.size()) {
            lines.add(String.format(
                    Locale.ROOT,
                    "WARNING: %.1f %% of the records are of one class; always answering it would be as right as that.",
                    100.0 * most / records.size()));
        }
        return lines;
    }
}
