package dev.peft4j.core.adapter;

import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Tensor;
import java.util.List;

/** What a method does at one convolution. */
public interface ConvUpdate {
    /** Its parameters, in a fixed order. */
    List<Parameter> parameters();

    /**
     * Changes the output in place and records how.
     *
     * @param x (N, I · height · width), the input
     * @param height rows of each channel of x
     * @param width columns of each channel of x
     * @param y (N, O · height' · width'), the output
     */
    void forward(Call call, Node x, int height, int width, Node y);

    /** Does the same to a copy (O, I / groups · kernel height · kernel width) of the weight. */
    void mergeInto(Backend backend, Tensor weight);
}
