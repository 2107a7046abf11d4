package dev.peft4j.core.layer;

import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.tensor.AttentionShape;
import dev.peft4j.core.tensor.Kernels;
import dev.peft4j.core.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
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
     * What distances of tokens add to the scores, see {@link Kernels.Distances}.
     *
     * @param places of all distances from -(n - 1) to n - 1, n being the longest sequence
     * @param factor of the scores
     * @param queries (T, N·P), what the queries make of each place; null for nothing
     * @param keys (T, N·P), the same of the keys
     */
    public record Distances(int[] places, double factor, @Nullable Node queries, @Nullable Node keys) {
        private Kernels.Distances values() {
            return new Kernels.Distances(places, factor, value(queries), value(keys));
        }

        private static @Nullable Tensor value(@Nullable Node node) {
            return node == null ? null : node.value();
        }

        private boolean needsGrad(Pass pass) {
            return (queries != null && pass.needsGrad(queries)) || (keys != null && pass.needsGrad(keys));
        }

        private static @Nullable Tensor allocateGrad(Pass pass, @Nullable Node node) {
            return node != null && node.isTracked()
                    ? pass.allocate(node.value().rows(), node.value().cols())
                    : null;
        }

        private static void addGrad(Pass pass, @Nullable Node node, @Nullable Tensor grad) {
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
            Pass pass, AttentionShape shape, Slice q, Slice k, Slice v, @Nullable Distances distances) {
        int rows = q.node.value().rows();
        Tensor stats = pass.allocate(rows, shape.heads());
        Tensor out = pass.allocate(rows, q.count);
        Kernels.Distances added = distances == null ? null : distances.values();
        pass.backend().kernels().attention(shape, q.value(), k.value(), v.value(), added, stats, out);
        Node y = pass.node(out);
        if (pass.needsGrad(q.node, k.node, v.node) || (distances != null && distances.needsGrad(pass))) {
            List<Tensor> saved = new ArrayList<>(List.of(stats, out, q.node.value(), k.node.value(), v.node.value()));
            if (distances != null) {
                Stream.of(distances.queries, distances.keys)
                        .filter(Objects::nonNull)
                        .forEach(n -> saved.add(n.value()));
            }
            pass.record(y, () -> backward(pass, shape, q, k, v, distances, stats, y), saved.toArray(Tensor[]::new));
        }
        return y;
    }

    private static void backward(
            Pass pass,
            AttentionShape shape,
            Slice q,
            Slice k,
            Slice v,
            @Nullable Distances distances,
            Tensor stats,
            Node y) {
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
        Tensor dQueries = distances == null ? null : Distances.allocateGrad(pass, distances.queries);
        Tensor dKeys = distances == null ? null : Distances.allocateGrad(pass, distances.keys);
        pass.backend()
                .kernels()
                .attentionBackward(
                        shape,
                        y.grad(),
                        q.value(),
                        k.value(),
                        v.value(),
                        distances == null ? null : distances.values(),
                        stats,
                        y.value(),
                        grads[0],
                        grads[1],
                        grads[2],
                        dQueries,
                        dKeys);
        if (distances != null) {
            Distances.addGrad(pass, distances.queries, dQueries);
            Distances.addGrad(pass, distances.keys, dKeys);
        }
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
