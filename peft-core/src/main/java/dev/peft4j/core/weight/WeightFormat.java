package dev.peft4j.core.weight;

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

    /** As in the checkpoint: 16-bit numbers stay so, all others are kept in the precision that is computed in. */
    static WeightFormat stored() {
        return (dense, inFile) -> switch (inFile) {
            case "BF16" -> sixteen(dense, true);
            case "F16" -> sixteen(dense, false);
            default -> new DenseWeight(dense);
        };
    }

    /** In the precision that is computed in, whatever the checkpoint has. */
    static WeightFormat full() {
        return (dense, inFile) -> new DenseWeight(dense);
    }

    /** In bfloat16, rounded where the checkpoint has more digits. */
    static WeightFormat bf16() {
        return (dense, inFile) -> sixteen(dense, true);
    }

    private static FrozenWeight sixteen(Tensor dense, boolean bf16) {
        if (!dense.isFinite()) { // such numbers have no place there
            return new DenseWeight(dense);
        }
        try (dense) {
            return bf16 ? Bf16Weight.of(dense) : F16Weight.of(dense);
        }
    }
}
