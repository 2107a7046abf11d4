package dev.peft4j.lora;

import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.core.weight.FrozenWeight;

/** The norms of the O rows of a weight that LoRA has changed. */
interface RowNorms {
    /** {@code ‖W + s·B A‖²} of each row (1, O), in memory of a pass. */
    Tensor squares(Pass pass);

    /** O. */
    int size();

    /** A number that changes with the weight of the base. */
    long version();

    /** Computes with another weight of the base. */
    void useBase(FrozenWeight weight, Backend backend);
}
