package dev.peft4j.core.layer;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.tensor.Tensor;

/**
 * Layer norm: {@code y = (x - mean) / √(var + eps) · weight + bias} for each row.
 *
 * <p>Ba et al. 2016, <a href="https://arxiv.org/abs/1607.06450">paper</a>, section 3.
 *
 * @param name of the module in the checkpoint
 * @param weight (1, C)
 * @param bias (1, C)
 * @param eps added to the variance
 */
public record LayerNorm(String name, Tensor weight, Tensor bias, double eps) {

    /** x (T, C), y (T, C). */
    public Node forward(Call call, Node x) {
        Pass pass = call.pass();
        Node y = pass.node(pass.allocate(x.value().rows(), x.value().cols()));
        for (Call part : call.partsIfReplaced(name + ".weight", name + ".bias")) {
            Node w = part.vector(name + ".weight", weight);
            Node b = part.vector(name + ".bias", bias);
            normalise(pass, part.rows(x), w, b, eps, part.rows(y));
        }
        pass.tell(name, x, y);
        return y;
    }

    /** Of an adapter: x (T, C), w and b (1, C), y (T, C). */
    public static Node forward(Pass pass, Node x, Node w, Node b, double eps) {
        Node y = pass.node(pass.allocate(x.value().rows(), x.value().cols()));
        normalise(pass, x, w, b, eps, y);
        return y;
    }

    private static void normalise(Pass pass, Node x, Node w, Node b, double eps, Node y) {
        Tensor stats = pass.allocate(x.value().rows(), 2); // mean, 1/std
        pass.backend().kernels().layerNorm(x.value(), w.value(), b.value(), eps, y.value(), stats);
        if (pass.needsGrad(x, w, b)) {
            pass.record(
                    y,
                    () -> {
                        boolean add = x.isTracked() && pass.prepareGrad(x);
                        pass.backend()
                                .kernels()
                                .layerNormBackward(
                                        y.grad(),
                                        x.value(),
                                        w.value(),
                                        stats,
                                        x.isTracked() ? x.grad() : null,
                                        add,
                                        w.isTracked() ? w.grad() : null,
                                        b.isTracked() ? b.grad() : null);
                    },
                    x.value(),
                    stats);
        }
    }
}
