package dev.peft4j.models;

import dev.peft4j.core.layer.RotaryAngles;
import java.io.IOException;
import java.util.Set;
import java.util.TreeSet;

/** What the scalings of rotary frequencies share: powers in the order in which the reference rounds them, and checks of what a config gives. */
final class RotaryPowers {
    private RotaryPowers() {}

    /** Angles per position {@code 1 / (factors[i] · theta^(2i/R))}, each step rounded to single precision. */
    static float[] inverse(double theta, float[] factors) {
        float[] f = new float[factors.length];
        for (int i = 0; i < f.length; i++) {
            f[i] = 1 / (factors[i] * power(theta, i, factors.length));
        }
        return f;
    }

    /** {@code theta^(2i/R)} of R/2 columns. */
    static float power(double theta, int i, int half) {
        return (float) Math.pow(theta, 2f * i / (2 * half));
    }

    /** Refuses a field that a scaling does not have: what it stands for would change the result. */
    static void requireOnly(ModelConfig scaling, String type, Set<String> fields) throws IOException {
        Set<String> others = new TreeSet<>(scaling.fields().keySet());
        others.removeAll(fields);
        others.removeAll(Set.of("type", "rope_type", "rope_theta", "partial_rotary_factor", "finetuned"));
        others.removeIf(name -> !scaling.has(name));
        if (!others.isEmpty()) {
            throw scaling.bad("the rotary scaling " + type + " has the fields " + others + ", which are none of "
                    + new TreeSet<>(fields) + ". Use another checkpoint, or take them out if they change nothing.");
        }
    }

    /** A number above 0, or the default where it is missing. */
    static double positive(ModelConfig scaling, String name, double otherwise) throws IOException {
        double value = scaling.number(name, otherwise);
        if (value <= 0) {
            throw scaling.bad(
                    "\"" + name + "\" is " + value + " where a number above 0 was expected. Correct config.json.");
        }
        return value;
    }

    /** How much longer sequences are: the field, or the quotient of the lengths where it may be missing. */
    static double factor(ModelConfig scaling, int context, int original) throws IOException {
        return positive(scaling, "factor", (double) context / original);
    }

    /** Refuses what no angle can be made of. */
    static RotaryAngles requireFinite(ModelConfig scaling, RotaryAngles angles) throws IOException {
        boolean finite = Double.isFinite(angles.factor()) && angles.factor() > 0;
        int[] lengths = {0, angles.longest() == Integer.MAX_VALUE ? 0 : angles.longest() + 1};
        for (int length : lengths) {
            for (float f : angles.of(length)) {
                finite &= Float.isFinite(f);
            }
        }
        if (!finite) {
            throw scaling.bad("the rotary scaling " + scaling.fields().keySet()
                    + " gives angles that are no numbers. Correct its values in config.json.");
        }
        return angles;
    }
}
