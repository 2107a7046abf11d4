package dev.peft4j.models;

import dev.peft4j.core.layer.Rotary;
import java.io.IOException;

/**
 * The rotary frequencies that a config asks for, in the spellings of transformers 4 ({@code rope_theta}, {@code rope_scaling}) and 5
 * ({@code rope_parameters}).
 */
final class RotaryScaling {
    private static final double DEFAULT_THETA = 10000;

    private RotaryScaling() {}

    /**
     * The frequencies of a model.
     *
     * @param context {@code max_position_embeddings}
     */
    static float[] frequencies(ModelConfig config, int headSize, int context) throws IOException {
        ModelConfig older = config.object("rope_scaling");
        ModelConfig scaling = older == null ? config.object("rope_parameters") : older; // as transformers takes them
        double theta = config.number("rope_theta", DEFAULT_THETA);
        if (scaling != null) {
            theta = scaling.number("rope_theta", theta);
        }
        if (theta <= 0) {
            throw config.bad(
                    "\"rope_theta\" is " + theta + " where a number above 0 was expected. Correct config.json.");
        }
        float[] frequencies = Rotary.frequencies(theta, headSize);
        if (scaling == null) {
            return frequencies;
        }
        String type = scaling.text("rope_type", scaling.text("type", "default"));
        if (!type.equals("default")) {
            scaling.require("partial_rotary_factor", 1, 1.0);
            config.require("partial_rotary_factor", 1, 1.0);
        }
        return switch (type) {
            case "default" -> frequencies;
            case "linear" -> linear(frequencies, scaling.number("factor"));
            case "llama3" ->
                llama3(
                        frequencies,
                        scaling,
                        config.number(
                                "original_max_position_embeddings",
                                scaling.number("original_max_position_embeddings", context)));
            default ->
                throw config.bad("rope_type is " + type + "; there are default, linear and llama3, and another"
                        + " value changes the result. Use another checkpoint.");
        };
    }

    /** The frequencies of a model that rotates only the first columns of each head ({@code partial_rotary_factor}). */
    static float[] partial(ModelConfig config, int headSize, int context) throws IOException {
        ModelConfig older = config.object("rope_scaling");
        ModelConfig scaling = older == null ? config.object("rope_parameters") : older;
        double factor = config.number("partial_rotary_factor", 1);
        if (scaling != null) {
            scaling.require("rope_type", "default");
            scaling.require("type", "default");
            factor = scaling.number("partial_rotary_factor", factor);
        }
        int columns = (int) (headSize * factor);
        if (columns < 2 || columns > headSize || columns % 2 != 0) {
            throw config.bad("\"partial_rotary_factor\" is " + factor + ", which is " + columns + " of the " + headSize
                    + " columns of a head; an even number of them from 2 on was expected. Correct config.json.");
        }
        return frequencies(config, columns, context);
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
