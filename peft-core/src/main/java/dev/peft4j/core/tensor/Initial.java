package dev.peft4j.core.tensor;

import java.util.random.RandomGenerator;

/** Random first values of tensors, from a generator that the caller seeds. */
public final class Initial {
    private Initial() {}

    /** U(-bound, bound). */
    public static void uniform(Tensor t, double bound, RandomGenerator random) {
        for (int r = 0; r < t.rows(); r++) {
            for (int c = 0; c < t.cols(); c++) {
                t.set(r, c, random.nextDouble(-bound, bound));
            }
        }
    }

    /** N(0, deviation²). */
    public static void gaussian(Tensor t, double deviation, RandomGenerator random) {
        for (int r = 0; r < t.rows(); r++) {
            for (int c = 0; c < t.cols(); c++) {
                t.set(r, c, random.nextGaussian(0, deviation));
            }
        }
    }
}
