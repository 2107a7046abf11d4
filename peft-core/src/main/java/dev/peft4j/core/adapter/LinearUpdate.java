package dev.peft4j.core.adapter;

import dev.peft4j.core.autograd.Node;

/** What a method does at one linear layer: the part of an {@link Adapter} that most methods consist of. */
public interface LinearUpdate extends LayerUpdate {
    /** Changes y (T, O), the output of the layer for the input x (T, I), in place. */
    void forward(Call call, Node x, Node y);
}
