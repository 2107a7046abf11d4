package dev.peft4j.core.tensor;

import static dev.peft4j.core.tensor.Nd4jArrays.array;
import static dev.peft4j.core.tensor.Nd4jArrays.run;
import static dev.peft4j.core.tensor.Nd4jArrays.store;

import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.ops.transforms.Transforms;

/** Attention head by head as compositions of ND4J operations, which hold the scores of one head at a time. */
final class Nd4jAttention {
    private Nd4jAttention() {}

    /** One head of one sequence, and its rows and columns of the matrices. */
    private record Head(AttentionShape s, int sequence, int index) {
        /** Its columns of the queries or the result. */
        Tensor queries(Tensor t) {
            return columns(t.rows(s.queryStart()[sequence], s.queryCount()[sequence]), index);
        }

        /** Those of the keys or the values. */
        Tensor keys(Tensor t) {
            return columns(t.rows(s.keyStart()[sequence], s.keyCount()[sequence]), index / group());
        }

        private Tensor columns(Tensor rows, int head) {
            return rows.columns(head * s.headSize(), s.headSize());
        }

        /** Its column of the statistics. */
        Tensor stats(Tensor t) {
            return t.rows(s.queryStart()[sequence], s.queryCount()[sequence]).columns(index, 1);
        }

        private int group() {
            return s.heads() / s.keyHeads();
        }

        /** Whether another head has written to its keys and values before. */
        boolean adds() {
            return index % group() != 0;
        }

        /** Scores before the cap. */
        INDArray scores(Tensor q, Tensor k, @Nullable Nd4jDistances distances) {
            INDArray scores = array(queries(q)).mmul(array(keys(k)).transpose()).muli(s.scale());
            if (distances != null) {
                distances.add(sequence, index, scores);
            }
            return scores;
        }

        /** {@code cap · tanh(x / cap)}, and what is hidden. */
        INDArray capped(INDArray x) {
            INDArray scores =
                    s.softCap() > 0 ? Transforms.tanh(x.div(s.softCap()), false).muli(s.softCap()) : x.dup();
            for (int i = 0; i < scores.rows(); i++) {
                for (int j = 0; j < scores.columns(); j++) {
                    if (j < s.from(sequence, i) || j >= s.to(sequence, i)) {
                        scores.putScalar(i, j, -1e30);
                    }
                }
            }
            return scores;
        }

        /** 1/(1-p) where a weight is kept, 0 where it is dropped. */
        INDArray mask(INDArray like) {
            INDArray mask = Nd4j.onesLike(like);
            for (int i = 0; s.dropout() > 0 && i < like.rows(); i++) {
                long seed = Dropout.rowSeed(s.seed(), s.queryStart()[sequence] + i, index);
                for (int j = 0; j < like.columns(); j++) {
                    mask.putScalar(i, j, Dropout.drops(s.dropout(), seed, j) ? 0 : 1 / (1 - s.dropout()));
                }
            }
            return mask;
        }
    }

    private interface Visitor {
        void visit(Head head);
    }

    private static void each(AttentionShape s, Visitor visitor) {
        for (int sequence = 0; sequence < s.sequences(); sequence++) {
            for (int head = 0; head < s.heads(); head++) {
                Head h = new Head(s, sequence, head);
                run(() -> visitor.visit(h));
            }
        }
    }

    static void forward(
            AttentionShape s,
            Tensor q,
            Tensor k,
            Tensor v,
            Kernels.@Nullable Distances distances,
            Tensor stats,
            Tensor y) {
        Nd4jDistances added = distances == null ? null : new Nd4jDistances(s, distances);
        each(s, h -> {
            if (s.queryCount()[h.sequence] == 0) {
                return;
            }
            INDArray scores = h.capped(h.scores(q, k, added));
            INDArray max = scores.max(true, 1);
            INDArray e = Transforms.exp(scores.subColumnVector(max), false);
            INDArray sum = e.sum(true, 1);
            store(Transforms.log(sum, true).addi(max), h.stats(stats));
            INDArray w = e.diviColumnVector(sum);
            store(w.muli(h.mask(w)).mmul(array(h.keys(v))), h.queries(y));
        });
    }

    static void backward(
            AttentionShape s,
            Tensor dy,
            Tensor q,
            Tensor k,
            Tensor v,
            @Nullable Nd4jDistances distances,
            Tensor stats,
            Tensor y,
            Tensor dq,
            Tensor dk,
            Tensor dv) {
        each(s, h -> {
            if (s.queryCount()[h.sequence] == 0) {
                if (!h.adds()) {
                    h.keys(dk).fill(0);
                    h.keys(dv).fill(0);
                }
                return;
            }
            INDArray x = h.scores(q, k, distances);
            INDArray w = Transforms.exp(h.capped(x).subColumnVector(array(h.stats(stats))), false);
            INDArray mask = h.mask(w);
            INDArray g = array(h.queries(dy));
            store(w.mul(mask).transpose().mmul(g), h.keys(dv), h.adds());
            INDArray dw = g.mmul(array(h.keys(v)).transpose()).muli(mask);
            INDArray inner = g.mul(array(h.queries(y))).sum(true, 1); // Σ dy · y = Σ dw · w
            INDArray ds = dw.subColumnVector(inner).muli(w);
            if (s.softCap() > 0) { // d cap·tanh(x / cap) = 1 - tanh²(x / cap)
                INDArray t = Transforms.tanh(x.div(s.softCap()), false);
                ds.muli(t.mul(t).rsubi(1));
            }
            if (distances != null) {
                distances.derive(h.sequence, h.index, ds);
            }
            ds.muli(s.scale());
            store(ds.mmul(array(h.keys(k))), h.queries(dq));
            store(ds.transpose().mmul(array(h.queries(q))), h.keys(dk), h.adds());
        });
    }
}
