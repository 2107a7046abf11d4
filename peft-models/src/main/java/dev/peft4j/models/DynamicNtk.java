package dev.peft4j.models;

import dev.peft4j.core.layer.RotaryAngles;
import java.io.IOException;
import java.util.Arrays;
import java.util.Set;

/**
 * Dynamic NTK: a sequence that is longer than the context has a theta that grows with its length L, {@code theta · (factor · L / context - (factor - 1))^(R / (R - 2))}.
 *
 * <p>{@code _compute_dynamic_ntk_parameters} of transformers, and Peng et al. 2023, <a href="https://arxiv.org/abs/2309.00071">paper</a>, appendix B.2. Theta
 * follows the longest sequence met so far there, and here the length of each, which is the same for a batch of one in a fresh model.
 */
final class DynamicNtk {
    private DynamicNtk() {}

    /** The angles of a model whose {@code max_position_embeddings} is the context. */
    static RotaryAngles angles(ModelConfig scaling, double theta, int columns, int context) throws IOException {
        RotaryPowers.requireOnly(
                scaling, "dynamic", Set.of("factor", "original_max_position_embeddings", "attention_factor"));
        scaling.number("factor"); // which says that it is missing
        double factor = RotaryPowers.positive(scaling, "factor", 1);
        if (columns < 4) {
            throw scaling.bad("the rotary scaling dynamic needs heads of 4 columns or more, found " + columns
                    + ". Correct config.json.");
        }
        float[] ones = new float[columns / 2];
        Arrays.fill(ones, 1);
        RotaryAngles angles = RotaryAngles.of(RotaryPowers.inverse(theta, ones));
        return RotaryPowers.requireFinite(
                scaling,
                angles.growing(
                        context, length -> RotaryPowers.inverse(grown(theta, factor, length, context, columns), ones)));
    }

    private static float grown(double theta, double factor, int length, int context, int columns) {
        float stretch = (float) (factor * length) / context - (float) (factor - 1);
        return (float) theta * (float) Math.pow(stretch, (double) columns / (columns - 2));
    }
}
