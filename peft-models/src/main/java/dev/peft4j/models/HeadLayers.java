package dev.peft4j.models;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.autograd.Products;
import dev.peft4j.core.layer.Functions;
import dev.peft4j.core.layer.LayerNorm;
import dev.peft4j.core.layer.Linear;
import dev.peft4j.core.tensor.Activation;
import org.jspecify.annotations.Nullable;

/**
 * What stands in a head between the hidden states and the output layer: {@code drop(norm(f(drop(x) Wᵀ + b)))}, of which each part may be missing.
 *
 * @param dropoutBefore the layer
 * @param dense the layer (E, C), or null for none
 * @param activation f, behind the layer
 * @param norm or null for none
 * @param dropoutBehind all of them
 * @param output (outputs, E)
 */
record HeadLayers(
        double dropoutBefore,
        @Nullable Linear dense,
        Activation activation,
        @Nullable LayerNorm norm,
        double dropoutBehind,
        Linear output) {

    /** A head of one layer. */
    static HeadLayers of(Linear output) {
        return new HeadLayers(0, null, Activation.TANH, null, 0, output);
    }

    /** The layers from one on, without what is in front of it; null if it is none of them. */
    @Nullable
    HeadLayers from(String layer) {
        if (output.site().name().equals(layer)) {
            return of(output);
        }
        return dense != null && dense.site().name().equals(layer)
                ? new HeadLayers(0, dense, activation, norm, dropoutBehind, output)
                : null;
    }

    int outputs() {
        return output.site().out();
    }

    /** What the output layer reads: hidden (n, C), the result (n, E). */
    Node features(Call call, Node hidden) {
        Node x = hidden;
        if (dense != null) {
            x = dropped(call.pass(), dropoutBefore, x);
            x = Functions.activation(call.pass(), activation, dense.forward(call, x));
        }
        if (norm != null) {
            x = norm.forward(call, x);
        }
        return x == hidden ? dropped(call.pass(), dropoutBehind, x) : Functions.dropout(call.pass(), dropoutBehind, x);
    }

    /** Drops elements of a copy: the rows that a head is given are not its own. */
    private static Node dropped(Pass pass, double p, Node x) {
        if (p <= 0 || !pass.isTraining()) {
            return x;
        }
        Node copy = pass.node(pass.allocate(x.value().rows(), x.value().cols()));
        Products.copy(pass, x, copy);
        return Functions.dropout(pass, p, copy);
    }

    /** Predictions: hidden (n, C), the result (n, outputs). */
    Node logits(Call call, Node hidden) {
        return output.forward(call, features(call, hidden));
    }
}
