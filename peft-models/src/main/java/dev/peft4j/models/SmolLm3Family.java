package dev.peft4j.models;

import static dev.peft4j.models.DecoderForm.Defaults.AS_MANY;

import java.io.IOException;
import java.util.List;

/**
 * SmolLM 3: Llama that does not rotate queries and keys in every fourth layer.
 *
 * <p>Bakouch et al. 2025, <a href="https://huggingface.co/blog/smollm3">article</a>; layers without positions: Yang et al. 2025, <a
 * href="https://arxiv.org/abs/2501.18795">paper</a>.
 */
public final class SmolLm3Family extends GatedFamily {
    private static final DecoderForm.Defaults DEFAULTS =
            new DecoderForm.Defaults(128256, 32768, 2048, 11008, 36, 16, 4, AS_MANY, 1e-6, true);

    /** For the service loader. */
    public SmolLm3Family() {
        super(
                "smollm3",
                "SmolLM3",
                targets(
                        List.of("k_proj", "v_proj", "down_proj"),
                        List.of("input_layernorm", "post_attention_layernorm", "norm")));
    }

    @Override
    DecoderForm form(ModelConfig config) throws IOException {
        return new Form(config);
    }

    private static final class Form extends DecoderForm {
        private static final int PADDING = 128004;

        private final List<Integer> rotated;
        private final int interval;
        private final int[] windows;

        Form(ModelConfig config) throws IOException {
            super(config, DEFAULTS);
            rotated = config.zerosAndOnes("no_rope_layers", dimensions().layers()); // 1: rotates
            int every = config.size("no_rope_layer_interval", 4);
            windows = windows(layer -> rotated.isEmpty() ? (layer + 1) % every == 0 : rotated.get(layer) == 0);
            interval = every;
        }

        @Override
        int padding() throws IOException {
            return config().padding(PADDING);
        }

        @Override
        boolean rotates(int layer) {
            return rotated.isEmpty() ? (layer + 1) % interval != 0 : rotated.get(layer) == 1;
        }

        @Override
        int window(int layer) {
            return windows[layer];
        }
    }
}
