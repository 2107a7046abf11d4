package dev.peft4j.run;

import dev.peft4j.core.data.Example;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.data.Targets;
import dev.peft4j.models.data.AnswerEncoder;
import dev.peft4j.models.data.TextRecord;
import dev.peft4j.models.metrics.AnswerMetrics;
import java.util.ArrayList;
import java.util.List;

/**
 * Answers to questions. Where all questions have an answer, one is always given, and compared as in SQuAD 1.1; else as in SQuAD 2.0, and none is given where the model
 * finds that more probable.
 *
 * @param scorer of the model
 */
record AnswerScorer(Scorer scorer) {
    TaskScores score(List<TextRecord> records) {
        List<List<String>> right = records.stream().map(AnswerEncoder::answers).toList();
        boolean always = right.stream().noneMatch(List::isEmpty);
        AnswerEncoder windows =
                new AnswerEncoder(scorer.encoder().tokenizer(), scorer.encoder().maxLength());
        List<String> predicted = new ArrayList<>();
        double[] losses = new double[records.size()];
        try (ExampleReader reader = scorer.reader(true)) {
            for (int i = 0; i < losses.length; i++) {
                scorer.requireWanted();
                TextRecord record = records.get(i);
                List<PackedBatch.Sequence> parts = scorer.encoder().encode(record).stream()
                        .map(PackedBatch.Sequence.class::cast)
                        .toList();
                List<double[][]> outputs = reader.outputs(parts, "searched for an answer");
                BestSpan best = BestSpan.of(record.text(), windows.windows(record.prompt(), record.text()), outputs);
                predicted.add(always || best.score() > 0 ? record.text().substring(best.begin(), best.end()) : "");
                losses[i] = loss(parts, outputs);
            }
        }
        AnswerMetrics m = always ? AnswerMetrics.squad1(right, predicted) : AnswerMetrics.squad2(right, predicted);
        List<TaskScores.Value> values = new ArrayList<>();
        values.add(new TaskScores.Value("exact match", m.all().exactMatch()));
        values.add(new TaskScores.Value("F1", m.all().f1()));
        if (!always && m.answerable().questions() > 0) {
            values.add(new TaskScores.Value(
                    "exact match with answer", m.answerable().exactMatch()));
            values.add(new TaskScores.Value("F1 with answer", m.answerable().f1()));
        }
        if (!always) {
            values.add(new TaskScores.Value(
                    "right without answer", m.unanswerable().exactMatch()));
        }
        return new TaskScores(
                records.size(),
                values,
                List.of(),
                List.of(),
                Scorer.worst(records, losses, i -> shown(right.get(i)), i -> shown(List.of(predicted.get(i)))));
    }

    private static String shown(List<String> answers) {
        String all = String.join(" | ", answers);
        return all.isEmpty() ? "no answer" : all;
    }

    /** The mean over the parts of a text of that of the first and the last token. */
    private static double loss(List<PackedBatch.Sequence> parts, List<double[][]> outputs) {
        double sum = 0;
        for (int i = 0; i < parts.size(); i++) {
            Example part = parts.get(i);
            Targets.Spans span = (Targets.Spans) part.targets();
            sum += column(outputs.get(i), 0, span.first()[0]) + column(outputs.get(i), 1, span.last()[0]);
        }
        return sum / (2 * parts.size());
    }

    private static double column(double[][] rows, int column, int expected) {
        double[] z = new double[rows.length];
        for (int t = 0; t < z.length; t++) {
            z[t] = rows[t][column];
        }
        return Scorer.crossEntropy(z, expected);
    }
}
