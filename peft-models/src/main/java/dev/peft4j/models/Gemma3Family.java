package dev.peft4j.models;

import dev.peft4j.core.layer.RotaryAngles;
import java.io.IOException;
import java.util.List;

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
        List<RotaryAngles> angles() throws IOException {
            ModelConfig c = config();
            int head = dimensions().headSize();
            double full = c.number("rope_theta", THETA);
            double window =
                    c.number("rope_local_base_freq", WINDOW_THETA); // whose layers the older spelling does not scale
            return List.of(
                    RotaryScaling.ofKind(c, "full_attention", full, c.object("rope_scaling"), head, context()),
                    RotaryScaling.ofKind(c, "sliding_attention", window, null, head, context()));
        }
    }
}
