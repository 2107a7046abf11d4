package dev.peft4j.cli;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.data.Example;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.data.Targets;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.models.data.Labels;
import dev.peft4j.models.data.TextRecord;
import dev.peft4j.models.metrics.ClassMetrics;
import dev.peft4j.models.metrics.EntityMetrics;
import dev.peft4j.models.metrics.RegressionMetrics;
import dev.peft4j.models.metrics.Scores;
import dev.peft4j.models.metrics.WorstFirst;
import dev.peft4j.run.TextReader;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** What papers report of a classifier, a tagger or a model of numbers, and the records that it does worst on. */
final class TaskMetrics {
    private static final int WIDEST = 12; // classes of a confusion matrix that is shown
    private static final int TEXT = 60; // characters of a sample

    private final Model model;
    private final List<Adapter> adapters;
    private final Labels labels;
    private final PrintWriter out;

    TaskMetrics(Model model, List<Adapter> adapters, Labels labels, PrintWriter out) {
        this.model = model;
        this.adapters = adapters;
        this.labels = labels;
        this.out = out;
    }

    /**
     * Prints them, of a task that has some.
     *
     * @param records of the examples, one for each
     */
    void print(List<Example> examples, List<TextRecord> records) {
        boolean classes = examples.stream().allMatch(e -> e.targets() instanceof Targets.Classes);
        boolean numbers = examples.stream().allMatch(e -> e.targets() instanceof Targets.Numbers n && n.each() == 1);
        if (model.taskType() == TaskType.SEQ_CLS && classes) {
            classes(examples, records);
        } else if (model.taskType() == TaskType.SEQ_CLS && numbers) {
            numbers(examples);
        } else if (model.taskType() == TaskType.TOKEN_CLS) {
            tags(examples);
        }
    }

    private void classes(List<Example> examples, List<TextRecord> records) {
        int n = examples.size();
        int[] expected = new int[n];
        int[] predicted = new int[n];
        double[] losses = new double[n];
        each(examples, (i, rows) -> {
            double[] z = rows[0];
            expected[i] = ((Targets.Classes) examples.get(i).targets()).classes()[0];
            predicted[i] = best(z);
            double sum = 0;
            for (double x : z) {
                sum += Math.exp(x - z[predicted[i]]);
            }
            losses[i] = Math.log(sum) + z[predicted[i]] - z[expected[i]];
        });
        ClassMetrics m = ClassMetrics.of(expected, predicted, labels.outputs());
        out.printf(
                Locale.ROOT,
                "  macro F1 %.4f, weighted F1 %.4f, Matthews %.4f%n",
                m.macroF1(),
                m.weightedF1(),
                m.matthews());
        out.printf("  %-20s %9s %9s %9s %9s%n", "class", "precision", "recall", "F1", "records");
        for (int c = 0; c < labels.outputs(); c++) {
            Scores s = m.perClass().get(c);
            out.printf(
                    Locale.ROOT,
                    "  %-20s %9.4f %9.4f %9.4f %,9d%n",
                    labels.name(c),
                    s.precision(),
                    s.recall(),
                    s.f1(),
                    s.support());
        }
        if (labels.outputs() <= WIDEST) {
            out.println("  expected in rows, predicted in columns:");
            for (int c = 0; c < labels.outputs(); c++) {
                StringBuilder row = new StringBuilder(String.format("  %-20s", labels.name(c)));
                for (int cell : m.confusion()[c]) {
                    row.append(String.format(Locale.ROOT, " %,7d", cell));
                }
                out.println(row);
            }
        }
        out.println("  worst first:");
        for (int i : WorstFirst.byLoss(losses, WorstFirst.SAMPLES)) {
            out.printf(
                    Locale.ROOT,
                    "  loss %.4f  %s, predicted %s: %s%n",
                    losses[i],
                    labels.name(expected[i]),
                    labels.name(predicted[i]),
                    shortened(records.get(i).text()));
        }
    }

    private static String shortened(String text) {
        String line = text.strip().replaceAll("\\s+", " ");
        return line.length() <= TEXT ? line : line.substring(0, TEXT) + " ...";
    }

    private void numbers(List<Example> examples) {
        double[] expected = new double[examples.size()];
        double[] predicted = new double[examples.size()];
        each(examples, (i, rows) -> {
            expected[i] = ((Targets.Numbers) examples.get(i).targets()).values()[0];
            predicted[i] = rows[0][0];
        });
        RegressionMetrics m = RegressionMetrics.of(expected, predicted);
        out.printf(Locale.ROOT, "  Pearson %.4f, Spearman %.4f%n", m.pearson(), m.spearman());
    }

    private void tags(List<Example> examples) {
        List<List<String>> expected = new ArrayList<>();
        List<List<String>> predicted = new ArrayList<>();
        each(examples, (i, rows) -> {
            int[] given = ((Targets.PerToken) examples.get(i).targets()).labels();
            List<String> tags = new ArrayList<>();
            List<String> found = new ArrayList<>();
            for (int t = 0; t < given.length; t++) {
                if (given[t] != Targets.IGNORE) {
                    tags.add(labels.name(given[t]));
                    found.add(labels.name(best(rows[t])));
                }
            }
            expected.add(tags);
            predicted.add(found);
        });
        EntityMetrics m = EntityMetrics.of(expected, predicted);
        out.printf(
                Locale.ROOT,
                "  entities: precision %.4f, recall %.4f, F1 %.4f%n",
                m.micro().precision(),
                m.micro().recall(),
                m.micro().f1());
        m.perType()
                .forEach((type, s) -> out.printf(Locale.ROOT, "  %-20s F1 %.4f of %,d%n", type, s.f1(), s.support()));
    }

    private static int best(double[] values) {
        int best = 0;
        for (int i = 1; i < values.length; i++) {
            best = values[i] > values[best] ? i : best;
        }
        return best;
    }

    /** The outputs of an example: one row, or one for each of its tokens. */
    private interface Outputs {
        void of(int example, double[][] rows);
    }

    private void each(List<Example> examples, Outputs told) {
        boolean ofTokens = model.taskType() == TaskType.TOKEN_CLS;
        List<PackedBatch.Sequence> texts =
                examples.stream().map(PackedBatch.Sequence.class::cast).toList();
        try (TextReader reader = new TextReader(model, pass -> Call.of(pass, adapters), ofTokens, () -> {})) {
            List<double[][]> outputs = reader.outputs(texts, "evaluated");
            for (int i = 0; i < outputs.size(); i++) {
                told.of(i, outputs.get(i));
            }
        }
    }
}
