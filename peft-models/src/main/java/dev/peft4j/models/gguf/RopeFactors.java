package dev.peft4j.models.gguf;

import dev.peft4j.core.error.BadFileException;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The {@code rope_scaling} of a {@code config.json} from what a GGUF file says of rotations. Llama 3's is no value there, but a tensor by which frequencies are
 * divided; the config that it was made of is found by making it again.
 *
 * <p>Source: {@code LlamaModel.generate_extra_tensors} of llama.cpp's {@code convert_hf_to_gguf.py}.
 */
final class RopeFactors {
    static final String TENSOR = "rope_freqs.weight";

    private static final double LOW = 1; // in all Llama 3.1, 3.2 and 3.3
    private static final double HIGH = 4;
    private static final List<Integer> CONTEXTS = List.of(8192, 4096, 2048, 1024, 16384, 32768, 65536, 131072);
    private static final double TOLERANCE = 1e-4; // relative; the tensor is in single precision

    private RopeFactors() {}

    /**
     * The value of {@code rope_scaling}, or null if frequencies are not scaled.
     *
     * @param factors of {@code rope_freqs.weight}; empty without it
     * @throws BadFileException if they are scaled in a way that config.json cannot say here
     */
    static @Nullable Map<String, Object> scaling(GgufFields fields, double theta, int head, float[] factors)
            throws BadFileException {
        String type = fields.text("llama.rope.scaling.type", "linear");
        double factor = fields.number("llama.rope.scaling.factor", fields.number("llama.rope.scale_linear", 1));
        boolean linear = type.equals("linear") && factor != 1;
        if (!List.of("none", "linear").contains(type) || factor <= 0) {
            throw fields.bad("llama.rope.scaling.type is " + type + " with the factor " + factor
                    + "; none and linear can be read. Use the model's Hugging Face directory.");
        }
        boolean scaled = false;
        for (float f : factors) {
            scaled |= f != 1;
        }
        if (scaled && linear) {
            throw fields.bad(TENSOR + " is there with a linear scaling, which no config.json has together."
                    + " Use the model's Hugging Face directory.");
        }
        if (linear) {
            return Map.of("rope_type", "linear", "factor", factor);
        }
        return scaled ? llama3(fields, theta, head, factors) : null;
    }

    private static Map<String, Object> llama3(GgufFields fields, double theta, int head, float[] factors)
            throws BadFileException {
        double factor = factors[factors.length - 1]; // of the lowest frequency
        for (int context : CONTEXTS) {
            if (matches(theta, head, factor, context, factors)) {
                return Map.of(
                        "rope_type",
                        "llama3",
                        "factor",
                        factor,
                        "low_freq_factor",
                        LOW,
                        "high_freq_factor",
                        HIGH,
                        "original_max_position_embeddings",
                        context);
            }
        }
        throw fields.bad(TENSOR + " is not what Llama 3 makes of its config, with any original context of " + CONTEXTS
                + ". Use the model's Hugging Face directory.");
    }

    private static boolean matches(double theta, int head, double factor, double context, float[] factors) {
        for (int i = 0; i < factors.length; i++) {
            double wavelength = 2 * Math.PI * Math.pow(theta, 2.0 * i / head);
            double smooth = (context / wavelength - LOW) / (HIGH - LOW);
            double expected = wavelength < context / HIGH
                    ? 1
                    : wavelength > context / LOW ? factor : 1 / ((1 - smooth) / factor + smooth);
            if (!(Math.abs(factors[i] - expected) <= TOLERANCE * Math.abs(expected))) {
                return false;
            }
        }
        return true;
    }
}
