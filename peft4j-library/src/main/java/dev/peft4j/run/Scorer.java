package dev.peft4j.run;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.data.Example;
import dev.peft4j.core.data.Targets;
import dev.peft4j.core.error.StoppedException;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.models.data.Labels;
import dev.peft4j.models.data.RecordEncoder;
import dev.peft4j.models.data.RecordImage;
import dev.peft4j.models.data.TextRecord;
import dev.peft4j.models.metrics.ClassMetrics;
import dev.peft4j.models.metrics.MultiLabelMetrics;
import dev.peft4j.models.metrics.RegressionMetrics;
import dev.peft4j.models.metrics.Scores;
import dev.peft4j.models.metrics.WorstFirst;
import java.io.IOException;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Asks a model for what it says of records, and compares. Classes, labels and numbers of texts are here, other tasks in files of their own.
 *
 * @param encoder of the task
 * @param isStopped whether the scores are no longer asked for; what is scored then ends with a {@link StoppedException}
 */
record Scorer(Model model, List<Adapter> adapters, RecordEncoder encoder, BooleanSupplier isStopped) {
    private static final Logger LOG = LoggerFactory.getLogger(Scorer.class);
    private static final int TOKENS = 8192; // whose outputs are held at once
    private static final int AT_ONCE = 64; // images, so that a stop is soon noticed
    private static final int IMAGES = 12; // that are shown
    private static final int SIDE = 96; // of a thumbnail

    TaskScores score(List<TextRecord> records) {
        if (records.isEmpty()) {
            return TaskScores.none();
        }
        return switch (model.taskType()) {
            case SEQ_CLS, IMAGE_CLS -> whole(records);
            case TOKEN_CLS -> new TagScorer(this).score(records);
            case QUESTION_ANS -> new AnswerScorer(this).score(records);
            case FEATURE_EXTRACTION -> new PairScorer(this).score(records);
            case CAUSAL_LM, MASKED_LM -> TaskScores.none();
        };
    }

    private TaskScores whole(List<TextRecord> records) {
        List<Example> sequences =
                records.stream().map(r -> encoder.encode(r).get(0)).toList();
        return switch (encoder.labels().problem()) {
            case SINGLE_LABEL_CLASSIFICATION -> classes(records, sequences);
            case MULTI_LABEL_CLASSIFICATION -> labelSets(records, sequences);
            case REGRESSION -> numbers(records, sequences);
        };
    }

    private TaskScores classes(List<TextRecord> records, List<? extends Example> sequences) {
        int n = records.size();
        int[] expected = new int[n];
        int[] predicted = new int[n];
        double[] losses = new double[n];
        each(sequences, false, (i, rows) -> {
            expected[i] = ((Targets.Classes) sequences.get(i).targets()).classes()[0];
            predicted[i] = best(rows[0]);
            losses[i] = crossEntropy(rows[0], expected[i]);
        });
        return classes(
                ClassMetrics.of(expected, predicted, model.head().outputs()),
                n,
                encoder.labels(),
                worst(records, losses, i -> name(expected[i]), i -> name(predicted[i])));
    }

    /** The scores of classes, of texts or of their tokens. */
    static TaskScores classes(ClassMetrics m, int count, Labels labels, List<TaskScores.Sample> worst) {
        return new TaskScores(
                count,
                List.of(
                        new TaskScores.Value("accuracy", m.accuracy()),
                        new TaskScores.Value("macro F1", m.macroF1()),
                        new TaskScores.Value("weighted F1", m.weightedF1()),
                        new TaskScores.Value("Matthews", m.matthews())),
                perClass(labels, m.perClass()),
                m.cells(),
                worst);
    }

    private static List<TaskScores.PerClass> perClass(Labels labels, List<Scores> scores) {
        return IntStream.range(0, scores.size())
                .mapToObj(c -> new TaskScores.PerClass(labels.name(c), scores.get(c)))
                .toList();
    }

    /** A label is there if its probability is above a half. */
    private TaskScores labelSets(List<TextRecord> records, List<? extends Example> sequences) {
        int n = records.size();
        boolean[][] expected = new boolean[n][];
        boolean[][] predicted = new boolean[n][];
        double[] losses = new double[n];
        each(sequences, false, (i, rows) -> {
            float[] given = ((Targets.LabelSets) sequences.get(i).targets()).values();
            double[] z = rows[0];
            expected[i] = new boolean[z.length];
            predicted[i] = new boolean[z.length];
            for (int l = 0; l < z.length; l++) {
                expected[i][l] = given[l] > 0.5f;
                predicted[i][l] = z[l] > 0;
                // -y·log σ(z) - (1 - y)·log(1 - σ(z)) = max(z, 0) - z·y + log(1 + e^-|z|)
                losses[i] += (Math.max(z[l], 0) - z[l] * given[l] + Math.log1p(Math.exp(-Math.abs(z[l])))) / z.length;
            }
        });
        MultiLabelMetrics m = MultiLabelMetrics.of(expected, predicted);
        return new TaskScores(
                n,
                List.of(
                        new TaskScores.Value("subset accuracy", m.subsetAccuracy()),
                        new TaskScores.Value("micro F1", m.micro().f1()),
                        new TaskScores.Value("macro F1", m.macro().f1()),
                        new TaskScores.Value("weighted F1", m.weighted().f1())),
                perClass(encoder.labels(), m.perLabel()),
                List.of(),
                worst(records, losses, i -> names(expected[i]), i -> names(predicted[i])));
    }

    private String names(boolean[] there) {
        List<String> names = IntStream.range(0, there.length)
                .filter(l -> there[l])
                .mapToObj(this::name)
                .toList();
        return names.isEmpty() ? "none" : String.join(", ", names);
    }

    private TaskScores numbers(List<TextRecord> records, List<? extends Example> sequences) {
        int n = records.size();
        int each = model.head().outputs();
        double[] expected = new double[n * each];
        double[] predicted = new double[n * each];
        double[] losses = new double[n];
        each(sequences, false, (i, rows) -> {
            float[] given = ((Targets.Numbers) sequences.get(i).targets()).values();
            for (int k = 0; k < each; k++) {
                expected[i * each + k] = given[k];
                predicted[i * each + k] = rows[0][k];
                losses[i] += Math.pow(rows[0][k] - given[k], 2) / each;
            }
        });
        RegressionMetrics m = RegressionMetrics.of(expected, predicted);
        TaskScores.Value rmse = new TaskScores.Value("RMSE", m.rmse());
        TaskScores.Value mae = new TaskScores.Value("MAE", m.mae());
        List<TaskScores.Value> values = each > 1 // numbers of several kinds do not correlate
                ? List.of(rmse, mae)
                : List.of(
                        new TaskScores.Value("Pearson", m.pearson()),
                        new TaskScores.Value("Spearman", m.spearman()),
                        rmse,
                        mae);
        List<TaskScores.Sample> worst =
                worst(records, losses, i -> text(expected, i, each), i -> text(predicted, i, each));
        return new TaskScores(n, values, List.of(), List.of(), worst);
    }

    private static String text(double[] numbers, int record, int each) {
        return String.join(
                ", ",
                Arrays.stream(numbers, record * each, (record + 1) * each)
                        .mapToObj(x -> String.valueOf((float) x))
                        .toList());
    }

    String name(int output) {
        return encoder.labels().name(output);
    }

    /** The records of the largest losses. */
    static List<TaskScores.Sample> worst(
            List<TextRecord> records, double[] losses, IntFunction<String> expected, IntFunction<String> predicted) {
        boolean images = records.get(0).image() != null;
        return Arrays.stream(WorstFirst.byLoss(losses, images ? IMAGES : WorstFirst.SAMPLES))
                .mapToObj(i -> new TaskScores.Sample(
                        text(records.get(i)),
                        expected.apply(i),
                        predicted.apply(i),
                        losses[i],
                        thumbnail(records.get(i).image())))
                .toList();
    }

    private static @Nullable String thumbnail(@Nullable RecordImage image) {
        try {
            return image == null ? null : Base64.getEncoder().encodeToString(image.thumbnail(SIDE));
        } catch (IOException e) {
            LOG.warn("a thumbnail is left out: {}", e.getMessage());
            return null;
        }
    }

    private static String text(TextRecord record) {
        return record.prompt().isBlank() ? record.text() : record.prompt() + "\n" + record.text();
    }

    static int best(double[] values) {
        int best = 0;
        for (int i = 1; i < values.length; i++) {
            best = values[i] > values[best] ? i : best;
        }
        return best;
    }

    /** {@code -log softmax(z)[expected]}. */
    static double crossEntropy(double[] z, int expected) {
        double most = z[best(z)];
        double sum = 0;
        for (double x : z) {
            sum += Math.exp(x - most);
        }
        return Math.log(sum) + most - z[expected];
    }

    /** What the head says of a sequence: one row, or one for each of its tokens. */
    interface Told {
        /** Is told once for each, in their order. */
        void of(int sequence, double[][] rows);
    }

    /** Reads sequences, of which some at a time are held. */
    void each(List<? extends Example> sequences, boolean ofTokens, Told told) {
        try (ExampleReader reader = reader(ofTokens)) {
            int most = model.taskType() == TaskType.IMAGE_CLS ? AT_ONCE : TOKENS;
            int from = 0;
            while (from < sequences.size()) {
                requireWanted();
                int to = from;
                int tokens = 0;
                while (to < sequences.size() && (to == from || tokens < most)) {
                    tokens += sequences.get(to++).length();
                }
                List<double[][]> outputs = reader.outputs(sequences.subList(from, to), "scored");
                for (int i = 0; i < outputs.size(); i++) {
                    told.of(from + i, outputs.get(i));
                }
                from = to;
            }
        }
    }

    /** A reader, which the caller closes. */
    ExampleReader reader(boolean ofTokens) {
        return new ExampleReader(model, pass -> Call.of(pass, adapters), ofTokens, () -> {});
    }

    void requireWanted() {
        if (isStopped.getAsBoolean()) {
            throw new StoppedException("records were to be scored");
        }
    }
}
