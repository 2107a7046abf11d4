package dev.peft4j.adapters.bottleneck;

import dev.peft4j.core.error.BadInputException;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Hidden size over bottleneck; below 1 the bottleneck is wider than the model.
 *
 * @param standard of blocks that have none of their own; null if all have one
 * @param blocks of some blocks, by their numbers
 */
public record ReductionFactor(@Nullable Double standard, Map<Integer, Double> blocks) {

    /** Checks the range. */
    public ReductionFactor {
        blocks = Collections.unmodifiableMap(new LinkedHashMap<>(blocks));
        blocks.values().forEach(ReductionFactor::check);
        if (standard != null) {
            check(standard);
        }
    }

    private static void check(double factor) {
        if (!(factor > 0) || !Double.isFinite(factor)) {
            throw new BadInputException("reduction_factor = " + factor + " was given; it is above 0. 16 is usual.");
        }
    }

    /** The same for all blocks. */
    public static ReductionFactor of(double factor) {
        return new ReductionFactor(factor, Map.of());
    }

    /**
     * Units of the bottleneck of a block.
     *
     * @throws BadInputException if there would be none, or the block has no factor
     */
    int units(int width, int block) {
        Double factor = blocks.getOrDefault(block, standard);
        if (factor == null) {
            throw new BadInputException("reduction_factor was given for the blocks " + blocks.keySet() + ", and block "
                    + block + " has none. Give it one, or a \"default\".");
        }
        int units = (int) (width / factor);
        if (units < 1) {
            throw new BadInputException("reduction_factor = " + factor + " leaves no unit of " + width
                    + " features. Use one of at most " + width + ".");
        }
        return units;
    }
}
