package dev.peft4j.core.weight;

import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;

/** Products of nodes with weights of the base. */
public final class FrozenProducts {
    private FrozenProducts() {}

    /** {@code y = x Wᵀ}; x (T, I), W (O, I), y (T, O). */
    public static Node linear(Pass pass, Node x, FrozenWeight w) {
        Node y = pass.node(pass.allocate(x.value().rows(), w.out()));
        w.multiply(pass, x.value(), 0, y.value());
        if (pass.needsGrad(x)) {
            pass.record(
                    y, () -> w.multiplyTransposed(pass, y.grad(), pass.prepareGrad(x) ? 1 : 0, x.grad())); // dx = dy W
        }
        return y;
    }
}
