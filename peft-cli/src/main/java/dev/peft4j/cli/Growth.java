package dev.peft4j.cli;

import dev.peft4j.core.error.BadInputException;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** What a step can grow by; everything else stays at 4 sequences of 128 tokens, rank 8 and the config of the model. */
enum Growth {
    TOKENS("tokens of a step, in sequences of 128"),
    LENGTH("tokens of the one sequence of a step"),
    RANK("rank of LoRA"),
    LAYERS("layers of the model"),
    VOCABULARY("tokens of the vocabulary"),
    ADAPTERS("adapters that 32 sequences of 32 tokens choose among, forward only"),
    THREADS("threads");

    private static final int SEQUENCES = 4;
    private static final int USUAL_LENGTH = 128;
    private static final int USUAL_RANK = 8;
    private static final int SERVED = 32; // sequences, and tokens of each

    private final String axis;

    Growth(String axis) {
        this.axis = axis;
    }

    /** What the sizes count. */
    String axis() {
        return axis;
    }

    /** The usual sizes. */
    List<Integer> sizes() {
        return switch (this) {
            case TOKENS -> List.of(128, 256, 512, 1024, 2048);
            case LENGTH -> List.of(256, 512, 1024, 2048, 4096);
            case RANK -> List.of(1, 8, 32, 64, 128, 256);
            case LAYERS -> List.of(2, 4, 8, 12, 24);
            case VOCABULARY -> List.of(5000, 25000, 50000, 100000, 150000);
            case ADAPTERS -> List.of(1, 2, 4, 8, 16, 32);
            case THREADS -> List.of(1, 2, 3, 4);
        };
    }

    /**
     * What is measured at a size.
     *
     * @param positions of the model
     */
    GrowthPoint at(int size, int positions) {
        int length = Math.min(USUAL_LENGTH, positions);
        return switch (this) {
            case TOKENS -> {
                int own = Math.min(size, length);
                if (size % own != 0) {
                    throw new BadInputException("a step of " + size + " tokens was asked for, and its sequences have "
                            + own + ". Give a multiple of that.");
                }
                yield new GrowthPoint(size / own, own, USUAL_RANK, 0, Map.of());
            }
            case LENGTH -> new GrowthPoint(1, size, USUAL_RANK, 0, Map.of("n_positions", Math.max(size, positions)));
            case RANK -> new GrowthPoint(SEQUENCES, length, size, 0, Map.of());
            case LAYERS -> new GrowthPoint(SEQUENCES, length, USUAL_RANK, 0, Map.of("n_layer", size));
            case VOCABULARY -> new GrowthPoint(SEQUENCES, length, USUAL_RANK, 0, Map.of("vocab_size", size));
            case ADAPTERS -> new GrowthPoint(SERVED, Math.min(SERVED, positions), USUAL_RANK, size, Map.of());
            case THREADS -> new GrowthPoint(SEQUENCES, length, USUAL_RANK, 0, Map.of());
        };
    }

    /** As it is written on the command line. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
