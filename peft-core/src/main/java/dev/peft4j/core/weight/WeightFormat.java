package dev.peft4j.core.weight;

import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Tensor;

/** In which form the matrices of a base model are kept in memory. Vectors, such as biases, are always kept as they are computed with. */
@FunctionalInterface
public interface WeightFormat {
    /**
     * Takes a matrix that was read.
     *
     * @param dense (O, I), which now belongs to the weight, or is closed here
     * @param inFile number format in the file: F32, F16, BF16, F64
     */
    FrozenWeight keep(Tensor dense, String inFile);

    /** The same for a backend: numbers of 16 bits lie as its products read them, if it has some for them. */
    default WeightFormat on(Backend backend) {
        return this;
    }

    /** As in the checkpoint: 16-bit numbers stay so, all others are kept in the precision that is computed in. */
    static WeightFormat stored() {
        return new SixteenBits(false, false);
    }

    /** In the precision that is computed in, whatever the checkpoint has. */
    static WeightFormat full() {
        return (dense, inFile) -> new DenseWeight(dense);
    }

    /**
     * In the precision that is computed in, and multiplied in 16 bits where the backend has such products: what PyTorch computes under {@code autocast}. For
     * weights that are trained themselves, whose steps are smaller than 16 bits can tell.
     */
    static WeightFormat autocast() {
        return (dense, inFile) -> new DenseWeight(dense, true);
    }

    /** In bfloat16, rounded where the checkpoint has more digits. */
    static WeightFormat bf16() {
        return new SixteenBits(true, false);
    }
}
