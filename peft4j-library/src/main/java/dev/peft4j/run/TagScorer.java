package dev.peft4j.run;

import dev.peft4j.core.data.Example;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.data.Targets;
import dev.peft4j.models.data.TextRecord;
import dev.peft4j.models.metrics.ClassMetrics;
import dev.peft4j.models.metrics.EntityMetrics;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Tags of words: entities where all tags are O or begin with B-, I-, E- or S-, and else classes of words.
 *
 * @param scorer of the model
 */
record TagScorer(Scorer scorer) {
    /** Tags of the words of a record that were read. */
    private record Tags(TextRecord record, int[] expected, int[] predicted, double loss) {
        static List<String> names(Scorer scorer, int[] tags) {
            return IntStream.of(tags).mapToObj(scorer::name).toList();
        }
    }

    TaskScores score(List<TextRecord> records) {
        List<TextRecord> read = new ArrayList<>();
        List<PackedBatch.Sequence> sequences = new ArrayList<>();
        for (TextRecord record : records) {
            for (Example e : scorer.encoder().encode(record)) { // one, or none
                read.add(record);
                sequences.add((PackedBatch.Sequence) e);
            }
        }
        if (read.isEmpty()) {
            return TaskScores.none();
        }
        List<Tags> all = new ArrayList<>();
        scorer.each(sequences, true, (i, rows) -> {
            int[] labels = ((Targets.PerToken) sequences.get(i).targets()).labels();
            int[] tokens = IntStream.range(0, labels.length)
                    .filter(t -> labels[t] != Targets.IGNORE)
                    .toArray();
            double loss = 0;
            for (int t : tokens) {
                loss += Scorer.crossEntropy(rows[t], labels[t]) / tokens.length;
            }
            all.add(new Tags(
                    read.get(i),
                    IntStream.of(tokens).map(t -> labels[t]).toArray(),
                    IntStream.of(tokens).map(t -> Scorer.best(rows[t])).toArray(),
                    loss));
        });
        List<TaskScores.Sample> worst = Scorer.worst(
                read,
                all.stream().mapToDouble(Tags::loss).toArray(),
                i -> String.join(" ", Tags.names(scorer, all.get(i).expected)),
                i -> String.join(" ", Tags.names(scorer, all.get(i).predicted)));
        int outputs = scorer.model().head().outputs();
        boolean entities = IntStream.range(0, outputs).mapToObj(scorer::name).allMatch(TagScorer::isOfEntities);
        return entities ? entities(all, worst) : words(all, outputs, worst);
    }

    private TaskScores entities(List<Tags> all, List<TaskScores.Sample> worst) {
        EntityMetrics m = EntityMetrics.of(
                all.stream().map(t -> Tags.names(scorer, t.expected)).toList(),
                all.stream().map(t -> Tags.names(scorer, t.predicted)).toList());
        return new TaskScores(
                all.size(),
                List.of(
                        new TaskScores.Value("entity precision", m.micro().precision()),
                        new TaskScores.Value("entity recall", m.micro().recall()),
                        new TaskScores.Value("entity F1", m.micro().f1()),
                        new TaskScores.Value("accuracy of tags", m.tokenAccuracy())),
                m.perType().entrySet().stream()
                        .map(e -> new TaskScores.PerClass(e.getKey(), e.getValue()))
                        .toList(),
                List.of(),
                worst);
    }

    private TaskScores words(List<Tags> all, int outputs, List<TaskScores.Sample> worst) {
        ClassMetrics m = ClassMetrics.of(
                all.stream().flatMapToInt(t -> IntStream.of(t.expected)).toArray(),
                all.stream().flatMapToInt(t -> IntStream.of(t.predicted)).toArray(),
                outputs);
        return Scorer.classes(m, all.size(), scorer.encoder().labels(), worst);
    }

    private static boolean isOfEntities(String tag) {
        return tag.equals("O")
                || (!tag.isEmpty()
                        && "BIES".indexOf(tag.charAt(0)) >= 0
                        && (tag.length() == 1 || tag.charAt(1) == '-'));
    }
}
