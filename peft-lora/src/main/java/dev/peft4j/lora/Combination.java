package dev.peft4j.lora;

import dev.peft4j.core.error.BadInputException;

/**
 * How several LoRA adapters become one.
 *
 * @param type the rule
 * @param rank of the result for the types that decompose ({@link Type#decomposes}); 0 for the largest rank of the adapters
 * @param density share of the elements that the pruning types keep, above 0 to 1
 * @param majority how the sign that the TIES types keep is found
 * @param seed of the elements that the DARE types keep
 */
public record Combination(Type type, int rank, double density, Majority majority, long seed) {

    /** The rules, with PEFT's names. */
    public enum Type {
        /** A and B one below and beside the other: the exact weighted sum, with the sum of the ranks. */
        CAT,
        /** The best approximation of the weighted sum that a rank allows: exact if the rank suffices. */
        SVD,
        /** Weighted sums of the A and of the B: contains their cross terms. */
        LINEAR,
        /** TIES of A and of B (Yadav et al. 2023). */
        TIES,
        /** TIES of the updates, then {@link #SVD}. */
        TIES_SVD,
        /** DARE of A and of B (Yu et al. 2024). */
        DARE_LINEAR,
        /** DARE, then TIES, of A and of B. */
        DARE_TIES,
        /** DARE of the updates, then {@link #SVD}. */
        DARE_LINEAR_SVD,
        /** DARE, then TIES, of the updates, then {@link #SVD}. */
        DARE_TIES_SVD,
        /** Sums of the largest elements of A and of B. */
        MAGNITUDE_PRUNE,
        /** Sum of the largest elements of the updates, then {@link #SVD}. */
        MAGNITUDE_PRUNE_SVD;

        /** Whether the weighted sum is meant exactly, up to the rank. */
        public boolean isExact() {
            return this == CAT || this == SVD;
        }

        /** Whether the rank of the result can be chosen. */
        public boolean decomposes() {
            return this == SVD || name().endsWith("_SVD");
        }

        boolean ties() {
            return name().startsWith("TIES") || name().startsWith("DARE_TIES");
        }

        /** Whether it leaves out elements that it draws. */
        public boolean drops() {
            return name().startsWith("DARE");
        }

        /** Whether it leaves out small elements. */
        public boolean prunes() {
            return name().startsWith("TIES") || name().startsWith("MAGNITUDE");
        }
    }

    /** How the TIES types find the sign of an element. */
    public enum Majority {
        /** The sign of the sum. */
        TOTAL,
        /** The sign that more adapters have. */
        FREQUENCY
    }

    /** Checks the ranges. */
    public Combination {
        if (rank < 0) {
            throw new BadInputException(
                    "svd_rank = " + rank + " was given; it is at least 1, or 0 for the largest rank of the adapters.");
        }
        if (rank > 0 && !type.decomposes()) {
            throw new BadInputException("svd_rank = " + rank + " was given with " + type
                    + ", whose rank follows from the adapters. Leave it out.");
        }
        if (!(density > 0 && density <= 1)) {
            throw new BadInputException(
                    "density = " + density + " was given; it is a share above 0 and up to 1. 0.5 is usual.");
        }
    }

    /** A rule that needs nothing else. */
    public static Combination of(Type type) {
        return new Combination(type, 0, 1, Majority.TOTAL, 0);
    }

    /** With the rank of the result. */
    public Combination withRank(int newRank) {
        return new Combination(type, newRank, density, majority, seed);
    }

    /** With the share of the elements that is kept. */
    public Combination withDensity(double newDensity) {
        return new Combination(type, rank, newDensity, majority, seed);
    }
}
