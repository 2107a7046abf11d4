package dev.peft4j.tests;

import dev.peft4j.core.site.ModelSites;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.core.weight.DenseWeight;

/** The tensors of a base as numbers. */
final class BaseTensors {
    private BaseTensors() {}

    /** The memory itself, of a tensor that is kept as it is computed with. */
    static Tensor dense(ModelSites model, String name) {
        return ((DenseWeight) model.weight(name)).tensor();
    }

    static float[] floats(ModelSites model, String name) {
        try (Tensor values = model.weight(name).copy(DType.F32)) {
            return values.toFloats();
        }
    }
}
