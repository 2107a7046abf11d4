package dev.peft4j.cli;

import dev.peft4j.core.site.TaskType;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.models.LoadOptions;

/**
 * A case of the comparison with PyTorch + PEFT.
 *
 * @param checkpoint folder of the model
 * @param work what is measured
 * @param sequences of a batch
 * @param length tokens of each of them; 0 where each has a length of its own
 * @param base kind of the base weights
 */
record BenchCase(String name, String checkpoint, Work work, int sequences, int length, Base base) {
    private static final String BF16 = "_bf16";

    /** What is measured. */
    enum Work {
        LORA,
        LORA_EVERYWHERE, // at all linear layers
        FULL,
        DECODE,
        FORWARD
    }

    /** Kind of the base weights. */
    enum Base {
        F32("in single precision"),
        BF16("in bfloat16"),
        NF4("in 4 bits (NF4 with double quantization)"),
        INT8("in 8 bits (int8)");

        private final String text;

        Base(String text) {
            this.text = text;
        }

        /** In words: in such and such numbers. */
        String text() {
            return text;
        }
    }

    /** A case in single precision whose checkpoint is the first word of its name. */
    static BenchCase of(String name, Work work, int sequences, int length) {
        return new BenchCase(name, name.substring(0, name.indexOf('_')), work, sequences, length, Base.F32);
    }

    BenchCase at(String folder) {
        return new BenchCase(name, folder, work, sequences, length, base);
    }

    BenchCase on(Base other) {
        return new BenchCase(name, checkpoint, work, sequences, length, other);
    }

    /** The same in bfloat16; 4-bit weights stay what they are, only what is computed with them changes. */
    BenchCase inBf16() {
        Base other = base == Base.F32 ? Base.BF16 : base;
        return new BenchCase(name + BF16, checkpoint, work, sequences, length, other);
    }

    /** Whether its sequences have lengths of their own. */
    boolean isOfManyLengths() {
        return length == 0;
    }

    boolean isSupported() {
        return base == Base.F32 || base == Base.BF16;
    }

    /** How its model is opened. Weights that are trained are in single precision in every case. */
    LoadOptions options(Backend backend) {
        ModelOptions.Dtype dtype = base == Base.BF16 ? ModelOptions.Dtype.BF16 : ModelOptions.Dtype.F32;
        LoadOptions options = LoadOptions.on(backend).withFormat(dtype.format(work == Work.FULL));
        return work == Work.FORWARD ? options.withTask(TaskType.FEATURE_EXTRACTION) : options;
    }
}
