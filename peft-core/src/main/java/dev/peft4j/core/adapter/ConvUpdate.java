package dev.peft4j.core.adapter;

import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.tensor.Patches;

/** What a method does at one convolution. */
public interface ConvUpdate extends LayerUpdate {
    /**
     * Changes the output in place and records how.
     *
     * @param patches of the images that the convolution reads
     * @param x (N · H · W, I), the input
     * @param y (N · H' · W', O), the output
     */
    void forward(Call call, Patches patches, Node x, Node y);
}
