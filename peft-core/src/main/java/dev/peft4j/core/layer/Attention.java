package dev.peft4j.core.layer;

import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.tensor.AttentionShape;
import dev.peft4j.core.tensor.Tensor;

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

    /** q (T, N·H), k and v (keys, keyHeads·H), y (T, N·H). */
    public static Node forward(Pass pass, AttentionShape shape, Slice q, Slice k, Slice v) {
        int[] starts = shape.weightStarts();
        Tensor weights = pass.allocate(1, starts[shape.sequences()]);
        Tensor out = pass.allocate(q.node.value().rows(), q.count);
        pass.backend().kernels().attention(shape, q.value(), k.value(), v.value(), weights, out);
        Node y = pass.node(out);
        if (pass.needsGrad(q.node, k.node, v.node)) {
            pass.record(
                    y,
                    () -> backward(pass, shape, q, k, v, weights, y),
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
