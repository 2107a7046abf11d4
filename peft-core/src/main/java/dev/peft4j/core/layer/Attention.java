package dev.peft4j.core.layer;

import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.tensor.AttentionShape;
import dev.peft4j.core.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Scaled dot-product attention over packed sequences.
 *
 * <p>Vaswani et al. 2017, <a href="https://arxiv.org/abs/1706.03762">paper</a>, section 3.2.1; grouped key and value heads as Ainslie et
 * al. 2023.
 */
public final class Attention {
    private Attention() {}

    /**
     * Columns of a matrix: queries, keys or values, which GPT-2 keeps side by side.
     *
     * @param node the matrix
     * @param from first column
     * @param count number of columns
     */
    public record Slice(Node node, int from, int count) {
        /** All columns. */
        public static Slice of(Node node) {
            return new Slice(node, 0, node.value().cols());
        }

        /** Their values (rows, count), a view. */
        public Tensor value() {
            return node.value().columns(from, count);
        }
    }

    /**
     * What distances of tokens add to the scores, see {@link dev.peft4j.core.tensor.Kernels#relativeScores}.
     *
     * @param places of all distances from -(n - 1) to n - 1, n being the longest sequence
     * @param factor of the scores
     * @param queries (T, N·P), what the queries make of each place; null for nothing
     * @param keys (T, N·P), the same of the keys
     */
    public record Distances(int[] places, double factor, @Nullable Node queries, @Nullable Node keys) {
        private static @Nullable Tensor value(@Nullable Node node) {
            return node == null ? null : node.value();
        }

        private boolean needsGrad(Pass pass) {
            return (queries != null && pass.needsGrad(queries)) || (keys != null && pass.needsGrad(keys));
        }

        private static @Nullable Tensor gradOf(Pass pass, @Nullable Node node) {
            return node != null && node.isTracked()
                    ? pass.allocate(node.value().rows(), node.value().cols())
                    : null;
        }

        private void backward(Pass pass, AttentionShape shape, Tensor dScores) {
            Tensor dq = gradOf(pass, queries);
            Tensor dk = gradOf(pass, keys);
            if (dq != null || dk != null) {
                pass.backend().kernels().relativeScoresBackward(shape, places, factor, dScores, dq, dk);
                add(pass, queries, dq);
                add(pass, keys, dk);
            }
        }

        private static void add(Pass pass, @Nullable Node node, @Nullable Tensor grad) {
            if (node != null && grad != null) {
                pass.addGrad(node, grad);
            }
        }
    }

    /** q (T, N·H), k and v (keys, keyHeads·H), y (T, N·H). */
    public static Node forward(Pass pass, AttentionShape shape, Slice q, Slice k, Slice v) {
        return forward(pass, shape, q, k, v, null);
    }

    /** The same with what distances add to the scores. */
    public static Node forward(
            Pass pass, AttentionShape plain, Slice q, Slice k, Slice v, @Nullable Distances distances) {
        AttentionShape shape = distances == null ? plain : plain.withBias();
        int[] starts = shape.weightStarts();
        Tensor weights = pass.allocate(1, starts[shape.sequences()]);
        if (distances != null) {
            pass.backend()
                    .kernels()
                    .relativeScores(
                            shape,
                            distances.places,
                            distances.factor,
                            Distances.value(distances.queries),
                            Distances.value(distances.keys),
                            weights);
        }
        Tensor out = pass.allocate(q.node.value().rows(), q.count);
        pass.backend().kernels().attention(shape, q.value(), k.value(), v.value(), weights, out);
        Node y = pass.node(out);
        if (pass.needsGrad(q.node, k.node, v.node) || (distances != null && distances.needsGrad(pass))) {
            pass.record(
                    y,
                    () -> {
                        backward(pass, shape, q, k, v, weights, y);
                        if (distances != null) {
                            distances.backward(pass, shape, weights);
                        }
                    },
                    weights,
                    q.node.value(),
                    k.node.value(),
                    v.node.value());
        }
        return y;
    }

    private static void backward(Pass pass, AttentionShape shape, Slice q, Slice k, Slice v, Tensor weights, Node y) {
        Slice[] inputs = {q, k, v};
        Tensor[] grads = new Tensor[3];
        boolean[] add = new boolean[3];
        for (int i = 0; i < 3; i++) {
            Node node = inputs[i].node;
            // a matrix that has no gradient yet, and whose columns are all inputs, is written to directly
            boolean first = i == 0 || inputs[i - 1].node != node;
            boolean fresh = node.isTracked() && covers(inputs, node) && (first ? !pass.prepareGrad(node) : !add[i - 1]);
            add[i] = !fresh;
            grads[i] = fresh
                    ? node.grad().columns(inputs[i].from, inputs[i].count)
                    : pass.allocate(node.value().rows(), inputs[i].count);
        }
        pass.backend()
                .kernels()
                .attentionBackward(
                        shape, y.grad(), q.value(), k.value(), v.value(), weights, grads[0], grads[1], grads[2]);
        for (int i = 0; i < 3; i++) {
            Node node = inputs[i].node;
            if (add[i] && node.isTracked()) {
                if (!pass.prepareGrad(node)) {
                    pass.backend().kernels().fillRows(null, node.grad());
                }
                Tensor target = node.grad().columns(inputs[i].from, inputs[i].count);
                pass.backend().kernels().add(target, grads[i], target);
            }
        }
    }

    private static boolean covers(Slice[] inputs, Node node) {
        int columns = 0;
        for (Slice s : inputs) {
            columns += s.node == node ? s.count : 0;
        }
        return columns == node.value().cols();
    }
}
