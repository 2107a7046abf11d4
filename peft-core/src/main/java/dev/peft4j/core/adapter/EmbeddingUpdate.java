package dev.peft4j.core.adapter;

import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Tensor;
import java.util.List;

/** What a method does at one table of token vectors. */
public interface EmbeddingUpdate {
    /** Its parameters, in a fixed order. */
    List<Parameter> parameters();

    /** Changes y (T, C), the vectors of the tokens, in place. */
    void forward(Call call, int[] ids, Node y);

    /** Does the same to a copy (V, C) of the table. */
    void mergeInto(Backend backend, Tensor table);

    /** Frees what it has besides its parameters, when no pass uses it any more. */
    default void free() {}
}
