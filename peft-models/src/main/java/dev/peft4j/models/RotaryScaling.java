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

    static float[] frequencies(ModelConfig config, int headSize) throws IOException {
        ModelConfig parameters = config.object("rope_parameters");
        ModelConfig scaling = parameters == null ? config.object("rope_scaling") : parameters;
        double theta = config.number("rope_theta", DEFAULT_THETA);
        if (parameters != null) {
            theta = parameters.number("rope_theta", theta);
        }
        float[] frequencies = Rotary.frequencies(theta, headSize);
        if (scaling == null) {
            return frequencies;
        }
        String type = scaling.text("rope_type", scaling.text("type", "default"));
        return switch (type) {
            case "default" -> frequencies;
            case "linear" -> linear(frequencies, scaling.number("factor", 1));
            case "llama3" -> llama3(frequencies, scaling);
            default ->
                throw config.bad("rope_type is " + type + "; there are default, linear and llama3, and another"
                        + " value changes the result. Use another checkpoint.");
        };
    }

    private static float[] linear(float[] frequencies, double factor) {
        float[] out = new float[frequencies.length];
        for (int i = 0; i < out.length; i++) {
            out[i] = (float) (frequencies[i] / factor);
        }
        return out;
    }

    /** Llama 3.1: long wavelengths are stretched, short ones stay, those between are mixed. */
    private static float[] llama3(float[] frequencies, ModelConfig scaling) throws IOException {
        double factor = scaling.number("factor", 8);
        double low = scaling.number("low_freq_factor", 1);
        double high = scaling.number("high_freq_factor", 4);
        double context = scaling.number("original_max_position_embeddings", 8192);
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
