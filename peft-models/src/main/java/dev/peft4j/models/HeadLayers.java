package dev.peft4j.models;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.autograd.Products;
import dev.peft4j.core.layer.Functions;
import dev.peft4j.core.layer.LayerNorm;
import dev.peft4j.core.layer.Linear;
import dev.peft4j.core.tensor.Activation;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What stands in a head between the hidden states and the classifier: {@code drop(norm(f(drop(x) Wᵀ + b)))}, of which each part may be missing; and the
 * classifier, which is the output layer, or several layers with a ReLU between two of them.
 *
 * @param dropoutBefore the layer
 * @param dense the layer (E, C), or null for none
 * @param activation f, behind the layer
 * @param norm or null for none
 * @param dropoutBehind all of them
 * @param classifier its layers, the output layer (outputs, E) last
 */
record HeadLayers(
        double dropoutBefore,
        @Nullable Linear dense,
        Activation activation,
        @Nullable LayerNorm norm,
        double dropoutBehind,
        List<Linear> classifier) {

    /** A classifier alone. */
    static HeadLayers of(List<Linear> classifier) {
        return new HeadLayers(0, null, Activation.TANH, null, 0, classifier);
    }

    /** The layers from one on, without what is in front of it; null if it is none of them. */
    @Nullable
    HeadLayers from(String layer) {
        for (int i = 0; i < classifier.size(); i++) {
            if (classifier.get(i).site().name().equals(layer)) {
                return of(classifier.subList(i, classifier.size()));
            }
        }
        return dense != null && dense.site().name().equals(layer)
                ? new HeadLayers(0, dense, activation, norm, dropoutBehind, classifier)
                : null;
    }

    private Linear output() {
        return classifier.get(classifier.size() - 1);
    }

    int outputs() {
        return output().site().out();
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
        x = x == hidden ? dropped(call.pass(), dropoutBehind, x) : Functions.dropout(call.pass(), dropoutBehind, x);
        for (Linear layer : classifier.subList(0, classifier.size() - 1)) {
            x = Functions.activation(call.pass(), Activation.RELU, layer.forward(call, x));
        }
        return x;
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
        return output().forward(call, features(call, hidden));
    }
}
