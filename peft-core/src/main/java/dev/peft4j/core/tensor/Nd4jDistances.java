package dev.peft4j.core.tensor;

import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** What distances of tokens add to the scores of attention, element by element: the readable reference. */
final class Nd4jDistances {
    private final AttentionShape s;
    private final Kernels.Distances d;
    private final @Nullable Tensor dQueries;
    private final @Nullable Tensor dKeys;

    Nd4jDistances(AttentionShape s, Kernels.Distances d) {
        this(s, d, null, null);
    }

    Nd4jDistances(AttentionShape s, Kernels.Distances d, @Nullable Tensor dQueries, @Nullable Tensor dKeys) {
        this.s = s;
        this.d = d;
        this.dQueries = dQueries;
        this.dKeys = dKeys;
    }

    /** {@code scores[i, j] += factor · (queries[i, p] + keys[j, p])} of a head (queries, keys). */
    void add(int sequence, int head, INDArray scores) {
        each(sequence, head, scores, (query, key, place, i, j) -> {
            double sum = d.queries() == null ? 0 : d.queries().value(query, place.column(d.queries()));
            sum += d.keys() == null ? 0 : d.keys().value(key, place.column(d.keys()));
            scores.putScalar(i, j, scores.getDouble(i, j) + d.factor() * sum);
        });
    }

    /** The derivatives of what is added to a head, from those of its scores. */
    void derive(int sequence, int head, INDArray dScores) {
        clear(dQueries, s.queryStart()[sequence], s.queryCount()[sequence], head);
        clear(dKeys, s.keyStart()[sequence], s.keyCount()[sequence], head);
        each(sequence, head, dScores, (query, key, place, i, j) -> {
            add(dQueries, query, place, d.factor() * dScores.getDouble(i, j));
            add(dKeys, key, place, d.factor() * dScores.getDouble(i, j));
        });
    }

    private void clear(@Nullable Tensor t, int first, int rows, int head) {
        if (t != null) {
            int columns = t.cols() / s.heads();
            t.rows(first, rows).columns(head * columns, columns).fill(0);
        }
    }

    private static void add(@Nullable Tensor t, int row, Place place, double value) {
        if (t != null) {
            int column = place.column(t);
            t.put(row, column, t.value(row, column) + value);
        }
    }

    /** The place of a distance, among the columns of a head. */
    private record Place(int head, int heads, int index) {
        int column(Tensor t) {
            return head * (t.cols() / heads) + index;
        }
    }

    /** A query and a key as rows of their matrices, the place of their distance, and their numbers in the sequence. */
    private interface Visitor {
        void visit(int query, int key, Place place, int i, int j);
    }

    private void each(int sequence, int head, INDArray scores, Visitor visitor) {
        int zero = d.places().length / 2;
        for (int i = 0; i < scores.rows(); i++) {
            for (int j = 0; j < scores.columns(); j++) {
                Place place = new Place(head, s.heads(), d.places()[zero + i - j]);
                visitor.visit(s.queryStart()[sequence] + i, s.keyStart()[sequence] + j, place, i, j);
            }
        }
    }
}
