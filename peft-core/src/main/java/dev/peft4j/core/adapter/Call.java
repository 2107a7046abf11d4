package dev.peft4j.core.adapter;

import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.tensor.Tensor;
import java.util.List;

/**
 * One run of a model with the adapters that are active in it. Which are active is an argument, not a state of the model, so threads
 * share one model.
 *
 * @param pass memory and tape
 * @param adapters active, in the order in which they act
 */
public record Call(Pass pass, List<Adapter> adapters) {

    /** The base model alone. */
    public static Call of(Pass pass) {
        return new Call(pass, List.of());
    }

    /** A run with one adapter. */
    public static Call of(Pass pass, Adapter adapter) {
        return new Call(pass, List.of(adapter));
    }

    /** A node of a base tensor, or of the parameter that an active adapter puts in its place. */
    public Node tensor(String name, Tensor base) {
        for (Adapter adapter : adapters) {
            Parameter p = adapter.replacement(name);
            if (p != null) {
                return pass.node(p);
            }
        }
        return pass.node(base);
    }

    /** What the active adapters make of the output of a sub-layer, in their order. */
    public Node subLayer(BlockSite site, Node y, Node residual) {
        Node out = y;
        for (Adapter adapter : adapters) {
            out = adapter.subLayer(this, site, out, residual);
        }
        return out;
    }
}
