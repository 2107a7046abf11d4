package dev.peft4j.core.train;

/** How the learning rate changes over a run: warm-up from 0, then constant, linear to 0, or half a cosine to 0, as in transformers. */
public enum Schedule {
    /** Stays at the full rate. */
    CONSTANT,
    /** Falls in a straight line to 0 at the end. */
    LINEAR,
    /** Falls as half a cosine to 0 at the end (Loshchilov and Hutter 2017). */
    COSINE;

    /**
     * The factor of the learning rate.
     *
     * @param step from 0
     * @param warmup steps of the warm-up
     * @param steps of the whole run
     */
    public double factor(int step, int warmup, int steps) {
        if (step < warmup) {
            return (double) step / Math.max(1, warmup);
        }
        double progress = (double) (step - warmup) / Math.max(1, steps - warmup);
        return switch (this) {
            case CONSTANT -> 1;
            case LINEAR -> Math.max(0, 1 - progress);
            case COSINE -> Math.max(0, 0.5 * (1 + Math.cos(Math.PI * progress)));
        };
    }
}
