package dev.peft4j.models;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Gemma 3 (text): {@code GemmaForm} whose queries and keys are normalised head by head, with windows in all but every sixth layer, and a rotation of its own
 * there.
 *
 * <p>Gemma Team 2025, <a href="https://arxiv.org/abs/2503.19786">paper</a>, section 2.
 */
public final class Gemma3Family extends GatedFamily {
    private static final DecoderForm.Defaults DEFAULTS =
            new DecoderForm.Defaults(262208, 131072, 2304, 9216, 26, 8, 4, 256, 1e-6, true);

    /** For the service loader. */
    public Gemma3Family() {
        super("gemma3_text", "Gemma3", targets(List.of("q_proj", "v_proj", "down_proj"), GemmaForm.NORMS));
    }

    @Override
    DecoderForm form(ModelConfig config) throws IOException {
        return new Form(config);
    }

    private static final class Form extends GemmaForm {
        private static final double THETA = 1e6;
        private static final double WINDOW_THETA = 1e4;

        private final int pattern;

        Form(ModelConfig config) throws IOException {
            super(config, DEFAULTS, 0, 0);
            pattern = config.size(List.of("sliding_window_pattern", "_sliding_window_pattern"), 6);
        }

        @Override
        boolean slidesByDefault(int layer) {
            return (layer + 1) % pattern != 0;
        }

        @Override
        GatedDecoder.Heads heads(GatedDecoder model, String prefix) throws IOException {
            return normalised(model, prefix, super.heads(model, prefix));
        }

        @Override
        int rotation(int layer) {
            return slides(layer) ? 1 : 0;
        }

        @Override
        List<float[]> frequencies() throws IOException {
            ModelConfig c = config();
            return List.of(
                    frequencies(
                            "full_attention",
                            c.number("rope_theta", THETA),
                            c.fields().get("rope_scaling")),
                    frequencies("sliding_attention", c.number("rope_local_base_freq", WINDOW_THETA), null));
        }

        /** In the spelling of transformers 5, each kind of layers has parameters of its own; in that of 4, only the full ones are scaled. */
        private float[] frequencies(String kind, double theta, @Nullable Object older) throws IOException {
            Map<String, Object> fields = new LinkedHashMap<>(Map.of("rope_theta", theta));
            Object kinds = config().fields().get("rope_parameters");
            Object scaling = kinds instanceof Map<?, ?> m ? m.get(kind) : older;
            if (scaling != null) {
                fields.put("rope_parameters", scaling);
            }
            return RotaryScaling.frequencies(
                    ModelConfig.of(config().directory(), fields), dimensions().headSize(), context());
        }
    }
}
