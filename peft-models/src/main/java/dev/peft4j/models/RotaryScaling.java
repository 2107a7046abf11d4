package dev.peft4j.models;

import dev.peft4j.core.layer.Rotary;
import dev.peft4j.core.layer.RotaryAngles;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The rotary angles that a config asks for, in the spellings of transformers 4 ({@code rope_theta}, {@code rope_scaling}) and 5 ({@code rope_parameters}, for all
 * layers or for each kind of them). Formulas and defaults are those of its {@code modeling_rope_utils.py}.
 */
final class RotaryScaling {
    private static final double DEFAULT_THETA = 10000;
    private static final int LONGEST = 1 << 24; // as all dimensions of a config

    private RotaryScaling() {}

    /**
     * The angles of a model that rotates whole heads.
     *
     * @param context {@code max_position_embeddings}
     */
    static RotaryAngles angles(ModelConfig config, int headSize, int context) throws IOException {
        ModelConfig scaling = scaling(config);
        if (scaling != null && !type(scaling).equals("default")) {
            scaling.require("partial_rotary_factor", 1, 1.0);
            config.require("partial_rotary_factor", 1, 1.0);
        }
        return angles(config, scaling, headSize, context);
    }

    /**
     * The angles of one kind of layers. In the spelling of transformers 5, each kind has parameters of its own; in that of 4 they are beside each other.
     *
     * @param kind {@code full_attention} or {@code sliding_attention}
     * @param theta of the older spelling
     * @param older scaling of the older spelling, or null
     */
    static RotaryAngles ofKind(
            ModelConfig config, String kind, double theta, @Nullable ModelConfig older, int headSize, int context)
            throws IOException {
        Map<String, Object> parameters = new LinkedHashMap<>();
        ModelConfig kinds = config.object("rope_parameters");
        ModelConfig own = kinds == null ? null : kinds.object(kind);
        if (own != null) {
            own.require("truncate", true); // transformers does not look for it here
            parameters.putAll(own.fields());
        }
        if (older != null) {
            parameters.putAll(older.fields());
        }
        Map<String, Object> fields = new LinkedHashMap<>(Map.of("rope_theta", theta, "rope_parameters", parameters));
        return angles(config.with(fields), headSize, context);
    }

    /**
     * The angles of Phi 3, which rotates only the first columns of each head ({@code partial_rotary_factor}), and whose config says beside the scaling how long its
     * first sequences were.
     */
    static RotaryAngles partial(ModelConfig config, int headSize, int context, int original) throws IOException {
        ModelConfig scaling = scaling(config);
        double factor = config.number("partial_rotary_factor", 1);
        if (scaling != null) {
            factor = scaling.number("partial_rotary_factor", factor);
        }
        int columns = (int) (headSize * factor);
        if (columns < 2 || columns > headSize || columns % 2 != 0) {
            throw config.bad("\"partial_rotary_factor\" is " + factor + ", which is " + columns + " of the " + headSize
                    + " columns of a head; an even number of them from 2 on was expected. Correct config.json.");
        }
        if (scaling == null || type(scaling).equals("default")) {
            return angles(config, scaling, columns, context);
        }
        return switch (type(scaling)) {
            case "longrope", "su", "yarn" -> // names that Phi 3 had for it
                LongRope.angles(scaling, theta(config, scaling), columns, context, original);
            default ->
                throw config.bad(
                        "rope_type is " + type(scaling)
                                + "; Phi 3 has default and longrope, and another value changes the result. Use another checkpoint.");
        };
    }

    /**
     * How many tokens a sequence may have: what the config says, or to where its frequencies are stretched if that is more (Qwen's configs keep the first length and
     * add the factor).
     */
    static int context(ModelConfig config, int context) throws IOException {
        ModelConfig scaling = scaling(config);
        if (scaling == null || !scaling.has("factor")) {
            return context;
        }
        double from =
                switch (type(scaling)) {
                    case "yarn", "longrope" -> original(config, scaling, context);
                    case "dynamic" -> context;
                    default -> 0;
                };
        return (int) Math.max(context, Math.min(LONGEST, from * scaling.number("factor")));
    }

    private static RotaryAngles angles(ModelConfig config, @Nullable ModelConfig scaling, int columns, int context)
            throws IOException {
        double theta = theta(config, scaling);
        if (scaling == null) {
            return RotaryAngles.of(Rotary.frequencies(theta, columns));
        }
        return switch (type(scaling)) {
            case "default" -> RotaryAngles.of(Rotary.frequencies(theta, columns));
            case "linear" -> RotaryAngles.of(linear(Rotary.frequencies(theta, columns), scaling.number("factor")));
            case "llama3" ->
                RotaryAngles.of(
                        llama3(Rotary.frequencies(theta, columns), scaling, original(config, scaling, context)));
            case "dynamic" -> DynamicNtk.angles(scaling, theta, columns, context);
            case "yarn" -> Yarn.angles(scaling, theta, columns, context, original(config, scaling, context));
            case "longrope" -> LongRope.angles(scaling, theta, columns, context, original(config, scaling, context));
            default ->
                throw config.bad("rope_type is " + type(scaling)
                        + "; there are default, linear, dynamic, llama3, yarn and longrope, and another"
                        + " value changes the result. Use another checkpoint.");
        };
    }

    /** What scales, or null. An empty one is none, as in transformers. */
    private static @Nullable ModelConfig scaling(ModelConfig config) {
        ModelConfig older = config.object("rope_scaling");
        return older == null || older.fields().isEmpty() ? config.object("rope_parameters") : older;
    }

    private static String type(ModelConfig scaling) throws IOException {
        return scaling.text("rope_type", scaling.text("type", "default"));
    }

    private static double theta(ModelConfig config, @Nullable ModelConfig scaling) throws IOException {
        double theta = config.number("rope_theta", DEFAULT_THETA);
        if (scaling != null) {
            theta = scaling.number("rope_theta", theta);
        }
        if (theta <= 0) {
            throw config.bad(
                    "\"rope_theta\" is " + theta + " where a number above 0 was expected. Correct config.json.");
        }
        return theta;
    }

    /** Tokens of the longest sequences before the frequencies were scaled: what stands beside the scaling counts first. */
    private static int original(ModelConfig config, ModelConfig scaling, int context) throws IOException {
        return config.size(
                "original_max_position_embeddings", scaling.size("original_max_position_embeddings", context));
    }

    private static float[] linear(float[] frequencies, double factor) {
        float[] out = new float[frequencies.length];
        for (int i = 0; i < out.length; i++) {
            out[i] = (float) (frequencies[i] / factor);
        }
        return out;
    }

    /** Llama 3.1: long wavelengths are stretched, short ones stay, those between are mixed. */
    private static float[] llama3(float[] frequencies, ModelConfig scaling, double context) throws IOException {
        double factor = scaling.number("factor");
        double low = scaling.number("low_freq_factor");
        double high = scaling.number("high_freq_factor");
        float[] out = new float[frequencies.length];
        for (int i = 0; i < out.length; i++) {
            double f = frequencies[i];
            double wavelength = 2 * Math.PI / f;
            double smooth = (context / wavelength - low) / (high - low);
            if (wavelength > context / low) {
                out[i] = (float) (f / factor);
            } else if (wavelength < context / high) {
                out[i] = (float) f;
            } else {
                out[i] = (float) ((1 - smooth) * f / factor + smooth * f);
            }
        }
        return out;
    }
}
