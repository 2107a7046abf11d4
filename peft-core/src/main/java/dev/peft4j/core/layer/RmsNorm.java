package dev.peft4j.core.layer;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.tensor.Tensor;

/**
 * Root-mean-square norm: {@code y = x / √(mean(x²) + eps) · weight} for each row.
 *
 * <p>Zhang and Sennrich 2019, <a href="https://arxiv.org/abs/1910.07467">paper</a>, equation 4.
 *
 * @param name of the module in the checkpoint
 * @param weight (1, C)
 * @param eps added to the mean square
 */
public record RmsNorm(String name, Tensor weight, double eps) {

    /** x (T, C), y (T, C). */
    public Node forward(Call call, Node x) {
        Pass pass = call.pass();
        Node y = pass.node(pass.allocate(x.value().rows(), x.value().cols()));
        for (Call part : call.partsIfReplaced(name + ".weight")) {
            normalise(part, part.rows(x), part.rows(y));
        }
        pass.check(name, y);
        return y;
    }

    private void normalise(Call call, Node x, Node y) {
        Pass pass = call.pass();
        Node w = call.vector(name + ".weight", weight);
        Tensor stats = pass.allocate(x.value().rows(), 1); // 1/rms
        pass.backend().kernels().rmsNorm(x.value(), w.value(), eps, y.value(), stats);
        if (pass.needsGrad(x, w)) {
            pass.record(
                    y,
                    () -> {
                        boolean add = x.isTracked() && pass.prepareGrad(x);
                        pass.backend()
                                .kernels()
                                .rmsNormBackward(
                                        y.grad(),
                                        x.value(),
                                        w.value(),
                                        stats,
                                        x.isTracked() ? x.grad() : null,
                                        add,
                                        w.isTracked() ? w.grad() : null);
                    },
                    x.value(),
                    stats);
        }
    }
}
