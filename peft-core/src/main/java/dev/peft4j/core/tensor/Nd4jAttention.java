package dev.peft4j.core.tensor;

import static dev.peft4j.core.tensor.Nd4jArrays.array;
import static dev.peft4j.core.tensor.Nd4jArrays.run;
import static dev.peft4j.core.tensor.Nd4jArrays.store;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.ops.transforms.Transforms;

/** Attention head by head as compositions of ND4J operations. */
final class Nd4jAttention {
    private Nd4jAttention() {}

    private static Tensor head(Tensor t, int row, int rows, int head, int size) {
        return t.rows(row, rows).columns(head * size, size);
    }

    static void forward(AttentionShape s, Tensor q, Tensor k, Tensor v, Tensor weights, Tensor y) {
        int[] starts = s.weightStarts();
        int group = s.heads() / s.keyHeads();
        int size = s.headSize();
        for (int seq = 0; seq < s.sequences(); seq++) {
            int n = s.queryCount()[seq];
            int m = s.keyCount()[seq];
            int query = s.queryStart()[seq];
            int key = s.keyStart()[seq];
            for (int h = 0; h < s.heads(); h++) {
                int head = h;
                int keyHead = h / group;
                Tensor w = weights.columns(starts[seq] + h * n * m, n * m);
                int sequence = seq;
                run(() -> {
                    INDArray scores = array(head(q, query, n, head, size))
                            .mmul(array(head(k, key, m, keyHead, size)).transpose())
                            .muli(s.scale());
                    if (s.isBiased()) {
                        scores.addi(array(w).reshape(n, m));
                    }
                    if (s.softCap() > 0) {
                        scores =
                                Transforms.tanh(scores.divi(s.softCap()), false).muli(s.softCap());
                    }
                    hide(s, sequence, scores);
                    INDArray e = Transforms.exp(scores.subColumnVector(scores.max(true, 1)), false);
                    INDArray p = e.diviColumnVector(e.sum(true, 1));
                    store(p, w);
                    INDArray used = p.muli(mask(s, starts[sequence] + head * n * m, p));
                    store(used.mmul(array(head(v, key, m, keyHead, size))), head(y, query, n, head, size));
                });
            }
        }
    }

    private static void hide(AttentionShape s, int seq, INDArray scores) {
        for (int i = 0; i < scores.rows(); i++) {
            for (int j = 0; j < scores.columns(); j++) {
                if (j < s.from(seq, i) || j >= s.to(seq, i)) {
                    scores.putScalar(i, j, -1e30);
                }
            }
        }
    }

    /** 1/(1-p) where a weight is kept, 0 where it is dropped. */
    private static INDArray mask(AttentionShape s, int at, INDArray like) {
        INDArray mask = Nd4j.onesLike(like);
        if (s.dropout() > 0) {
            for (int i = 0; i < like.length(); i++) {
                mask.putScalar(i, Dropout.drops(s.dropout(), s.seed(), at + i) ? 0 : 1 / (1 - s.dropout()));
            }
        }
        return mask;
    }

    static void backward(
            AttentionShape s,
            Tensor dy,
            Tensor q,
            Tensor k,
            Tensor v,
            Tensor weights,
            Tensor dq,
            Tensor dk,
            Tensor dv) {
        int[] starts = s.weightStarts();
        int group = s.heads() / s.keyHeads();
        int size = s.headSize();
        for (int seq = 0; seq < s.sequences(); seq++) {
            int n = s.queryCount()[seq];
            int m = s.keyCount()[seq];
            int query = s.queryStart()[seq];
            int key = s.keyStart()[seq];
            for (int h = 0; h < s.heads(); h++) {
                int head = h;
                int keyHead = h / group;
                boolean add = h % group != 0;
                int at = starts[seq] + h * n * m;
                run(() -> {
                    INDArray p = array(weights.columns(at, n * m)).reshape(n, m);
                    INDArray mask = mask(s, at, p);
                    INDArray g = array(head(dy, query, n, head, size));
                    store(p.mul(mask).transpose().mmul(g), head(dv, key, m, keyHead, size), add);
                    INDArray dp = g.mmul(array(head(v, key, m, keyHead, size)).transpose())
                            .muli(mask);
                    INDArray ds = dp.subColumnVector(dp.mul(p).sum(true, 1)).muli(p);
                    store(ds, weights.columns(at, n * m));
                    ds.muli(s.scale());
                    if (s.softCap() > 0) { // d cap·tanh(x / cap) = 1 - tanh²(x / cap)
                        INDArray t = Transforms.tanh(
                                array(head(q, query, n, head, size))
                                        .mmul(array(head(k, key, m, keyHead, size))
                                                .transpose())
                                        .muli(s.scale() / s.softCap()),
                                false);
                        ds.muli(t.mul(t).rsubi(1));
                    }
                    store(ds.mmul(array(head(k, key, m, keyHead, size))), head(dq, query, n, head, size));
                    store(
                            ds.transpose().mmul(array(head(q, query, n, head, size))),
                            head(dk, key, m, keyHead, size),
                            add);
                });
            }
        }
    }
}
