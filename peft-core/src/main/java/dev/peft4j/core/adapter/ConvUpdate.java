package dev.peft4j.core.adapter;

import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Patches;
import dev.peft4j.core.tensor.Tensor;
import java.util.List;

/** What a method does at one convolution. */
public interface ConvUpdate {
    /** Its parameters, in a fixed order. */
    List<Parameter> parameters();

    /**
     * Changes the output in place and records how.
     *
     * @param patches of the images that the convolution reads
     * @param x (N · H · W, I), the input
     * @param y (N · H' · W', O), the output
     */
    void forward(Call call, Patches patches, Node x, Node y);

    /** Does the same to a copy (O, I / groups · kernel height · kernel width) of the weight. */
    void mergeInto(Backend backend, Tensor weight);
}
