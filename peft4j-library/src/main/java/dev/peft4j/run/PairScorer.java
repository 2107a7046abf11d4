package dev.peft4j.run;

import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.layer.ContrastiveLoss;
import dev.peft4j.models.data.TextRecord;
import dev.peft4j.models.metrics.Retrieval;
import java.nio.IntBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/**
 * Pairs of texts as one search: each different first text ranks all different second texts by cosine, and should find those that it has a pair with. Texts that the model
 * reads alike, such as those that differ behind the greatest length only, are one.
 *
 * @param scorer of the model
 */
record PairScorer(Scorer scorer) {
    private static final double SHORTEST = 1e-12; // as torch's normalize

    /** Different texts, and the first record of each. */
    private static final class Texts {
        final Map<IntBuffer, Integer> numbers = new LinkedHashMap<>(); // by token ids
        final List<PackedBatch.Sequence> sequences = new ArrayList<>();
        final List<TextRecord> records = new ArrayList<>();

        int add(PackedBatch.Sequence s, TextRecord record) {
            Integer known = numbers.putIfAbsent(IntBuffer.wrap(s.ids()), sequences.size());
            if (known != null) {
                return known;
            }
            sequences.add(s);
            records.add(record);
            return sequences.size() - 1;
        }
    }

    TaskScores score(List<TextRecord> records) {
        Texts asked = new Texts();
        Texts found = new Texts();
        List<TreeSet<Integer>> wanted = new ArrayList<>();
        for (TextRecord record : records) {
            PackedBatch.Pair pair =
                    (PackedBatch.Pair) scorer.encoder().encode(record).get(0);
            int query = asked.add(pair.anchor(), record);
            if (query == wanted.size()) {
                wanted.add(new TreeSet<>());
            }
            wanted.get(query).add(found.add(pair.positive(), record));
        }
        int[][] relevant = wanted.stream()
                .map(w -> w.stream().mapToInt(Integer::intValue).toArray())
                .toArray(int[][]::new);
        int width = scorer.model().head().outputs();
        double[][] queries = new double[relevant.length][];
        scorer.each(asked.sequences, false, (i, rows) -> queries[i] = unit(rows[0]));
        double[][] candidates = new double[width][found.sequences.size()]; // (C, n), so that sums go along rows
        scorer.each(found.sequences, false, (i, rows) -> {
            double[] vector = unit(rows[0]);
            for (int c = 0; c < width; c++) {
                candidates[c][i] = vector[c];
            }
        });
        double[] losses = new double[queries.length];
        int[] nearest = new int[queries.length];
        Retrieval m = Retrieval.of(
                q -> {
                    scorer.requireWanted();
                    double[] cosines = cosines(queries[q], candidates);
                    nearest[q] = Scorer.best(cosines);
                    losses[q] = loss(cosines, relevant[q]);
                    return cosines;
                },
                relevant);
        return new TaskScores(
                queries.length,
                List.of(
                        new TaskScores.Value("recall@1", m.recallAt(1)),
                        new TaskScores.Value("recall@5", m.recallAt(5)),
                        new TaskScores.Value("recall@10", m.recallAt(10)),
                        new TaskScores.Value("MRR", m.meanReciprocalRank())),
                List.of(),
                List.of(),
                Scorer.worst(
                        asked.records.stream()
                                .map(r -> new TextRecord("", r.prompt(), null))
                                .toList(),
                        losses,
                        q -> found.records.get(relevant[q][0]).text() + " (rank " + m.rank(q) + ")",
                        q -> found.records.get(nearest[q]).text()));
    }

    /** The direction of a vector; some checkpoints do not normalise. */
    private static double[] unit(double[] vector) {
        double length = Math.sqrt(Arrays.stream(vector).map(x -> x * x).sum());
        return Arrays.stream(vector).map(x -> x / Math.max(length, SHORTEST)).toArray();
    }

    /** Of a vector of length 1 with others of length 1. */
    private static double[] cosines(double[] query, double[][] candidates) {
        double[] sums = new double[candidates[0].length];
        for (int c = 0; c < query.length; c++) {
            double[] column = candidates[c];
            double x = query[c];
            for (int i = 0; i < sums.length; i++) {
                sums[i] += x * column[i];
            }
        }
        return sums;
    }

    /** Of the head, if all pairs were one batch: {@code -log} of what the softmax gives to the relevant ones. */
    private static double loss(double[] cosines, int[] relevant) {
        double temperature = ContrastiveLoss.DEFAULT.temperature();
        double most = cosines[Scorer.best(cosines)];
        double all = 0;
        for (double c : cosines) {
            all += Math.exp((c - most) / temperature);
        }
        double right = 0;
        for (int r : relevant) {
            right += Math.exp((cosines[r] - most) / temperature);
        }
        return Math.log(all / right);
    }
}
