package dev.peft4j.core.weight;

import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Tensor;

/**
 * Keeps matrices in 16 bits.
 *
 * @param rounded all of them, in bfloat16; else those that have 16 bits in their file
 * @param operands whether bfloat16 is multiplied as it is
 */
record SixteenBits(boolean rounded, boolean operands) implements WeightFormat {
    @Override
    public WeightFormat on(Backend backend) {
        return new SixteenBits(rounded, backend.matrices().bf16() != null);
    }

    @Override
    public FrozenWeight keep(Tensor dense, String inFile) {
        boolean bf16 = rounded || inFile.equals("BF16");
        if ((!bf16 && !inFile.equals("F16")) || !dense.isFinite()) { // numbers without end have no place there
            return new DenseWeight(dense);
        }
        try (dense) {
            if (!bf16) {
                return F16Weight.of(dense);
            }
            return operands ? new Bf16Operand(dense) : Bf16Weight.of(dense);
        }
    }
}
