package dev.peft4j.core.layer;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.tensor.Tensor;

/**
 * Root-mean-square norm: {@code y = x / √(mean(x²) + eps) · (offset + weight)} for each row, or for each head of it where the weight is that of a head.
 *
 * <p>Zhang and Sennrich 2019, <a href="https://arxiv.org/abs/1910.07467">paper</a>, equation 4.
 *
 * @param name of the module in the checkpoint
 * @param weight (1, C), or (1, H)
 * @param eps added to the mean square
 * @param offset 0, or 1 where checkpoints have what the factor is above 1
 */
public record RmsNorm(String name, Tensor weight, double eps, double offset) {
    /** Without an offset. */
    public RmsNorm(String name, Tensor weight, double eps) {
        this(name, weight, eps, 0);
    }

    /** x (T, C), y (T, C). */
    public Node forward(Call call, Node x) {
        Pass pass = call.pass();
        Node y = pass.node(pass.allocate(x.value().rows(), x.value().cols()));
        for (Call part : call.partsIfReplaced(name + ".weight")) {
            normalise(part, part.rows(x), part.rows(y));
        }
        pass.tell(name, x, y);
        return y;
    }

    private void normalise(Call call, Node x, Node y) {
        Pass pass = call.pass();
        Node w = factors(pass, call.vector(name + ".weight", weight));
        Tensor stats = pass.allocate(heads(x.value()).rows(), 1); // 1/rms
        pass.backend().kernels().rmsNorm(heads(x.value()), w.value(), eps, heads(y.value()), stats);
        if (pass.needsGrad(x, w)) {
            pass.record(
                    y,
                    () -> {
                        boolean add = x.isTracked() && pass.prepareGrad(x);
                        if (offset != 0 && w.isTracked() && !pass.prepareGrad(w)) {
                            pass.backend().kernels().fillRows(null, w.grad());
                        }
                        pass.backend()
                                .kernels()
                                .rmsNormBackward(
                                        heads(y.grad()),
                                        heads(x.value()),
                                        w.value(),
                                        stats,
                                        x.isTracked() ? heads(x.grad()) : null,
                                        add,
                                        w.isTracked() ? w.grad() : null);
                    },
                    x.value(),
                    stats,
                    w.value());
        }
    }

    private Node factors(Pass pass, Node w) {
        if (offset == 0) {
            return w;
        }
        Node sum = pass.node(pass.allocate(1, w.value().cols()));
        pass.backend().kernels().fill(offset, sum.value());
        return Functions.add(pass, sum, w);
    }

    /** The heads of all rows, one below the other (T·N, H); the rows themselves (T, C) if there are no heads. */
    private Tensor heads(Tensor x) {
        int size = weight.cols();
        return x.cols() == size ? x : x.reshape(Math.toIntExact(x.size() / size), size);
    }
}
