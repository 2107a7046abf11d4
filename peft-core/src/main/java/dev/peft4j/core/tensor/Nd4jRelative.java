package dev.peft4j.core.tensor;

import org.jspecify.annotations.Nullable;

/** What distances of tokens add to the scores of attention, element by element in double precision: the readable reference. */
final class Nd4jRelative {
    private Nd4jRelative() {}

    static void forward(
            AttentionShape s, int[] places, double factor, @Nullable Tensor q, @Nullable Tensor k, Tensor scores) {
        double[] ofQueries = q == null ? new double[0] : q.toDoubles();
        double[] ofKeys = k == null ? new double[0] : k.toDoubles();
        double[] all = new double[Math.toIntExact(scores.size())];
        each(s, places, (query, key, place, at) -> {
            double sum = q == null ? 0 : ofQueries[query * q.cols() + place.column(q.cols())];
            sum += k == null ? 0 : ofKeys[key * k.cols() + place.column(k.cols())];
            all[at] = factor * sum;
        });
        scores.set(all);
    }

    static void backward(
            AttentionShape s, int[] places, double factor, Tensor dScores, @Nullable Tensor dq, @Nullable Tensor dk) {
        double[] d = dScores.toDoubles();
        double[] ofQueries = new double[dq == null ? 0 : Math.toIntExact(dq.size())];
        double[] ofKeys = new double[dk == null ? 0 : Math.toIntExact(dk.size())];
        each(s, places, (query, key, place, at) -> {
            if (dq != null) {
                ofQueries[query * dq.cols() + place.column(dq.cols())] += factor * d[at];
            }
            if (dk != null) {
                ofKeys[key * dk.cols() + place.column(dk.cols())] += factor * d[at];
            }
        });
        if (dq != null) {
            dq.set(ofQueries);
        }
        if (dk != null) {
            dk.set(ofKeys);
        }
    }

    /** The place of a distance, among the columns of a head. */
    private record Place(int head, int heads, int index) {
        int column(int columns) {
            return head * (columns / heads) + index;
        }
    }

    /** A query and a key as rows of their matrices, the place of their distance, and where their score is. */
    private interface Visitor {
        void visit(int query, int key, Place place, int at);
    }

    private static void each(AttentionShape s, int[] places, Visitor visitor) {
        int[] starts = s.weightStarts();
        int zero = places.length / 2;
        for (int seq = 0; seq < s.sequences(); seq++) {
            int at = starts[seq];
            for (int h = 0; h < s.heads(); h++) {
                for (int i = 0; i < s.queryCount()[seq]; i++) {
                    for (int j = 0; j < s.keyCount()[seq]; j++) {
                        Place place = new Place(h, s.heads(), places[zero + i - j]);
                        visitor.visit(s.queryStart()[seq] + i, s.keyStart()[seq] + j, place, at++);
                    }
                }
            }
        }
    }
}
