package dev.peft4j.adapters.bottleneck;

import dev.peft4j.core.adapter.NamePattern;

/**
 * The factor of what a bottleneck adds.
 *
 * @param kind of it
 * @param value of a fixed one; learned ones start at 1
 */
public record Scaling(Kind kind, double value) {
    /** Fixed, or trained. */
    public enum Kind {
        /** A number. */
        FIXED,
        /** One trained number ({@code "learned"}). */
        LEARNED,
        /** A trained number for each feature ({@code "channel"}). */
        CHANNEL
    }

    /** Checks the number. */
    public Scaling {
        NamePattern.requireFinite("scaling", value);
    }

    /** A number. */
    public static Scaling of(double value) {
        return new Scaling(Kind.FIXED, value);
    }

    /** Trained numbers of a place. */
    int parameters(int width) {
        return switch (kind) {
            case FIXED -> 0;
            case LEARNED -> 1;
            case CHANNEL -> width;
        };
    }
}
