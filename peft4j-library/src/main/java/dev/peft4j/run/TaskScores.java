package dev.peft4j.run;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.model.Model;
import dev.peft4j.models.data.RecordEncoder;
import dev.peft4j.models.data.TextRecord;
import dev.peft4j.models.metrics.ClassMetrics;
import dev.peft4j.models.metrics.Scores;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What papers report of a model on some records: the values of its task, a table of classes, and the records that it does worst on. They are computed by {@link
 * dev.peft4j.models.metrics}. {@link #toString} is the lines that the command line prints.
 *
 * @param count records that were scored; of pairs the different queries, of generated texts the prompts
 * @param values by their names, in the order in which they are shown; empty for tasks that have none beside the loss
 * @param perClass of each class, label or type of entity; empty for tasks without
 * @param confusion how often each class was predicted for each, by the places of the classes in {@code perClass}; empty for tasks without
 * @param worst records, the worst first
 */
public record TaskScores(
        int count, List<Value> values, List<PerClass> perClass, List<ClassMetrics.Cell> confusion, List<Sample> worst) {
    /** Most classes of a confusion matrix that is shown. */
    static final int WIDEST = 12;
    /** Most classes of a table that is shown. */
    static final int LONGEST = 50;

    static final int NAME = 40; // characters of a name that is shown
    private static final int TEXT = 60; // characters of a sample on a console
    private static final int KEPT = 400; // characters of a sample in a file

    /**
     * A score.
     *
     * @param name such as {@code macro F1}
     * @param value from 0 to 1, unless docs/METRICS.md says another range; NaN where it means nothing
     */
    public record Value(String name, double value) {
        @Override
        public String toString() {
            return String.format(Locale.ROOT, "%s %.4f", name, value);
        }
    }

    /**
     * How well a class, a label or a type of entity is found.
     *
     * @param name of the class
     * @param scores of it
     */
    public record PerClass(String name, Scores scores) {}

    /**
     * A record to look at.
     *
     * @param text of the record; of two texts both, with a line feed between them; of an image where it is
     * @param expected what the record says
     * @param predicted what the model says
     * @param loss by which records are ordered: that of the model's head for this record, the mean over its tokens or parts; of generated texts 1 less the F1 of
     *     ROUGE-L
     * @param thumbnail of an image, as the content of a PNG file in Base64; null of texts, and of an image that cannot be read any more
     */
    public record Sample(String text, String expected, String predicted, double loss, @Nullable String thumbnail) {
        /** Of a text. */
        public Sample(String text, String expected, String predicted, double loss) {
            this(text, expected, predicted, loss, null);
        }
    }

    /** Takes copies of the lists. */
    public TaskScores {
        values = List.copyOf(values);
        perClass = List.copyOf(perClass);
        confusion = List.copyOf(confusion);
        worst = List.copyOf(worst);
    }

    /** Of a task that has no values beside its loss. */
    static TaskScores none() {
        return new TaskScores(0, List.of(), List.of(), List.of(), List.of());
    }

    /**
     * Scores a model with the adapters that are active. It costs about as much as an evaluation of the loss; pairs of texts are ranked among all others, which costs
     * the square of their number.
     *
     * @param encoder of the task, which has the meaning of labels too
     * @param records with what is expected; of language models and hidden tokens, which have no values beside the loss, nothing is read
     * @throws BadInputException if a record does not fit the task
     * @throws dev.peft4j.core.error.StoppedException if the thread is interrupted
     */
    public static TaskScores of(Model model, List<Adapter> adapters, RecordEncoder encoder, List<TextRecord> records) {
        return new Scorer(model, adapters, encoder, () -> false).score(records);
    }

    /**
     * Scores what a language model says to prompts, always the most probable token: BLEU and ROUGE-L against the texts that all records have behind the prompt.
     *
     * @param encoder of the task
     * @param records with prompts; those whose prompt leaves no room for a text in the context are left out
     * @param first so many records say which prompts are continued
     * @param maxNewTokens most tokens of a text
     * @throws BadInputException if the model is no language model, no record has a prompt, or a number is below 1
     * @throws dev.peft4j.core.error.StoppedException if the thread is interrupted
     */
    public static TaskScores generated(
            Model model,
            List<Adapter> adapters,
            RecordEncoder encoder,
            List<TextRecord> records,
            int first,
            int maxNewTokens) {
        return new TextScorer(model, adapters, encoder).score(records, first, maxNewTokens);
    }

    /** Whether the task has no values beside its loss. */
    public boolean isEmpty() {
        return values.isEmpty();
    }

    /**
     * A value by its name.
     *
     * @throws BadInputException if there is none of this name
     */
    public double value(String name) {
        return values.stream()
                .filter(v -> v.name.equals(name))
                .findFirst()
                .orElseThrow(() -> new BadInputException("the score \"" + name + "\" was asked for; there are "
                        + values.stream().map(Value::name).toList() + ". Ask for one of these."))
                .value;
    }

    /** The values on one line. */
    public String line() {
        return values.stream().map(Value::toString).collect(Collectors.joining(", "));
    }

    /** Classes that are shown: all of them, or those of most records. */
    List<PerClass> shownClasses() {
        if (perClass.size() <= LONGEST) {
            return perClass;
        }
        return perClass.stream()
                .sorted((a, b) -> Long.compare(b.scores.support(), a.scores.support()))
                .limit(LONGEST)
                .toList();
    }

    /** The confusion matrix, expected in rows; without rows if there is none, or too many classes to be shown. */
    int[][] shownConfusion() {
        int n = confusion.isEmpty() || perClass.size() > WIDEST ? 0 : perClass.size();
        int[][] matrix = new int[n][n];
        if (n > 0) {
            confusion.forEach(c -> matrix[c.expected()][c.predicted()] = c.count());
        }
        return matrix;
    }

    /** The scores as values of JSON, without those that mean nothing, with texts of at most 400 characters. */
    Map<String, Object> toJson() {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("count", count);
        Map<String, Object> named = new LinkedHashMap<>();
        values.stream().filter(v -> !Double.isNaN(v.value)).forEach(v -> named.put(v.name, v.value));
        json.put("values", named);
        json.put(
                "classes",
                perClass.stream()
                        .map(c -> Map.of(
                                "name", OneLine.of(c.name, KEPT),
                                "precision", c.scores.precision(),
                                "recall", c.scores.recall(),
                                "f1", c.scores.f1(),
                                "support", c.scores.support()))
                        .toList());
        json.put(
                "confusion",
                confusion.stream()
                        .map(c -> List.of(c.expected(), c.predicted(), c.count()))
                        .toList());
        json.put(
                "worst",
                worst.stream()
                        .map(s -> Map.of(
                                "text", OneLine.of(s.text, KEPT),
                                "expected", OneLine.of(s.expected, KEPT),
                                "predicted", OneLine.of(s.predicted, KEPT),
                                "loss", s.loss))
                        .toList());
        return json;
    }

    @Override
    public String toString() {
        StringBuilder lines = new StringBuilder();
        add(lines, "  %s%n", line());
        int width = Math.max(
                20,
                perClass.stream()
                        .mapToInt(c -> OneLine.of(c.name, NAME).length())
                        .max()
                        .orElse(0));
        String name = "  %-" + width + "s";
        if (!perClass.isEmpty()) {
            add(lines, name + " %9s %9s %9s %9s%n", "class", "precision", "recall", "F1", "records");
        }
        for (PerClass c : shownClasses()) {
            Scores s = c.scores;
            add(
                    lines,
                    name + " %9.4f %9.4f %9.4f %,9d%n",
                    OneLine.of(c.name, NAME),
                    s.precision(),
                    s.recall(),
                    s.f1(),
                    s.support());
        }
        if (perClass.size() > LONGEST) {
            add(lines, "  and %,d with fewer records%n", perClass.size() - LONGEST);
        }
        int[][] matrix = shownConfusion();
        if (matrix.length > 0) {
            add(lines, "  expected in rows, predicted in columns:%n");
        }
        for (int c = 0; c < matrix.length; c++) {
            add(lines, name, OneLine.of(perClass.get(c).name, NAME));
            for (int cell : matrix[c]) {
                add(lines, " %,7d", cell);
            }
            add(lines, "%n");
        }
        if (!worst.isEmpty()) {
            add(lines, "  worst first:%n");
        }
        for (Sample s : worst) {
            add(
                    lines,
                    "  loss %.4f  %s, predicted %s: %s%n",
                    s.loss,
                    OneLine.of(s.expected, TEXT),
                    OneLine.of(s.predicted, TEXT),
                    OneLine.of(s.text, TEXT));
        }
        return lines.toString();
    }

    private static void add(StringBuilder lines, String format, Object... values) {
        lines.append(String.format(Locale.ROOT, format, values));
    }
}
