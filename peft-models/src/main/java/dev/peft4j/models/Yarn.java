package dev.peft4j.models;

import dev.peft4j.core.layer.RotaryAngles;
import java.io.IOException;
import java.util.Arrays;
import java.util.Set;

/**
 * YaRN: long wavelengths are stretched by the factor, short ones stay, those between are mixed by a ramp over the columns, and cosines and sines are multiplied by
 * {@code 0.1 · ln(factor) + 1}.
 *
 * <p>Peng et al. 2023, <a href="https://arxiv.org/abs/2309.00071">paper</a>, sections 3.2 to 3.4; {@code _compute_yarn_parameters} of transformers.
 */
final class Yarn {
    private static final Set<String> FIELDS = Set.of(
            "factor",
            "original_max_position_embeddings",
            "attention_factor",
            "beta_fast",
            "beta_slow",
            "mscale",
            "mscale_all_dim",
            "truncate");
    private static final double FAST = 32; // rotations over the first context from which on a column stays
    private static final double SLOW = 1; // and up to which it is stretched
    private static final double SAME = 0.001; // width of a ramp that has none

    private Yarn() {}

    /**
     * The angles.
     *
     * @param context {@code max_position_embeddings}
     * @param original tokens of the longest sequences of the first training
     */
    static RotaryAngles angles(ModelConfig scaling, double theta, int columns, int context, int original)
            throws IOException {
        RotaryPowers.requireOnly(scaling, "yarn", FIELDS);
        if (!scaling.fields().containsKey("factor")) {
            scaling.number("factor"); // which says that it is missing; null is the quotient of the lengths
        }
        double factor = RotaryPowers.factor(scaling, context, original);
        double first = column(orElse(scaling, "beta_fast", FAST), theta, columns, original);
        double last = column(orElse(scaling, "beta_slow", SLOW), theta, columns, original);
        if (scaling.flag("truncate", true)) {
            first = Math.floor(first);
            last = Math.ceil(last);
        }
        first = Math.max(first, 0);
        last = Math.min(last, columns - 1);
        last = first == last ? last + SAME : last;

        float[] ones = new float[columns / 2];
        Arrays.fill(ones, 1);
        float[] out = RotaryPowers.inverse(theta, ones);
        for (int i = 0; i < out.length; i++) {
            float ramp = Math.min(1, Math.max(0, (float) ((i - first) / (last - first))));
            float stretched = 1 / ((float) factor * RotaryPowers.power(theta, i, out.length));
            float stays = 1 - ramp;
            out[i] = stretched * (1 - stays) + out[i] * stays;
        }
        return RotaryPowers.requireFinite(scaling, RotaryAngles.of(out).withFactor(attentionFactor(scaling, factor)));
    }

    /** The default where the field is missing or 0. */
    private static double orElse(ModelConfig scaling, String name, double otherwise) throws IOException {
        double value = scaling.number(name, otherwise);
        return value == 0 ? otherwise : value;
    }

    /** The column that turns so often over the first context. */
    private static double column(double rotations, double theta, int columns, int original) {
        return columns * Math.log(original / (rotations * 2 * Math.PI)) / (2 * Math.log(theta));
    }

    private static double attentionFactor(ModelConfig scaling, double factor) throws IOException {
        double whole = scaling.number("mscale", 0);
        double all = scaling.number("mscale_all_dim", 0);
        boolean both = whole != 0 && all != 0;
        return RotaryPowers.positive(
                scaling, "attention_factor", both ? scale(factor, whole) / scale(factor, all) : scale(factor, 1));
    }

    private static double scale(double factor, double by) {
        return factor <= 1 ? 1 : 0.1 * by * Math.log(factor) + 1;
    }
}
