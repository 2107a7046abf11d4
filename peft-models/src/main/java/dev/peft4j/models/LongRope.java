package dev.peft4j.models;

import dev.peft4j.core.layer.RotaryAngles;
import java.io.IOException;
import java.util.List;
import java.util.Set;

/**
 * LongRoPE: a factor for each column, found by search, one set for sequences up to the first context and another for longer ones; cosines and sines are multiplied by
 * {@code √(1 + ln(factor) / ln(original))} in both.
 *
 * <p>Ding et al. 2024, <a href="https://arxiv.org/abs/2402.13753">paper</a>, section 3; {@code _compute_longrope_parameters} of transformers. Which set counts is
 * decided by the longest sequence of a batch there, and here for each sequence alone, which is the same for a batch of one.
 */
final class LongRope {
    private static final Set<String> FIELDS =
            Set.of("short_factor", "long_factor", "factor", "attention_factor", "original_max_position_embeddings");

    private LongRope() {}

    /**
     * The angles.
     *
     * @param context {@code max_position_embeddings}
     * @param original most tokens of a sequence that has the short factors
     */
    static RotaryAngles angles(ModelConfig scaling, double theta, int columns, int context, int original)
            throws IOException {
        RotaryPowers.requireOnly(scaling, "longrope", FIELDS);
        float[] below = RotaryPowers.inverse(theta, factors(scaling, "short_factor", columns / 2));
        float[] above = RotaryPowers.inverse(theta, factors(scaling, "long_factor", columns / 2));
        double factor = RotaryPowers.factor(scaling, context, original);
        double usual = factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(original));
        return RotaryPowers.requireFinite(
                scaling,
                RotaryAngles.of(below)
                        .withFactor(RotaryPowers.positive(scaling, "attention_factor", usual))
                        .jumping(original, above));
    }

    private static float[] factors(ModelConfig scaling, String name, int count) throws IOException {
        Object value = scaling.fields().get(name);
        if (value instanceof List<?> list && list.size() == count) {
            float[] factors = new float[count];
            boolean usable = true;
            for (int i = 0; i < count; i++) {
                factors[i] = list.get(i) instanceof Number n ? n.floatValue() : 0;
                usable &= factors[i] > 0 && Float.isFinite(factors[i]);
            }
            if (usable) {
                return factors;
            }
        }
        String found = value instanceof List<?> list ? list.size() + " values" : String.valueOf(value);
        throw scaling.bad("\"" + name + "\" of longrope is to have " + count
                + " numbers above 0, one for each pair of rotated columns; found " + found
                + ". Correct config.json.");
    }
}
