package dev.peft4j.models;

import static dev.peft4j.models.DecoderForm.Defaults.AS_MANY;

import java.io.IOException;
import java.util.List;

/**
 * Mistral: Llama whose tokens see the latest ones only.
 *
 * <p>Jiang et al. 2023, <a href="https://arxiv.org/abs/2310.06825">paper</a>, section 2.
 */
public final class MistralFamily extends GatedFamily {
    private static final DecoderForm.Defaults DEFAULTS =
            new DecoderForm.Defaults(32000, 131072, 4096, 14336, 32, 32, 8, AS_MANY, 1e-6, false);

    /** For the service loader. */
    public MistralFamily() {
        super(
                "mistral",
                "Mistral",
                targets(
                        List.of("k_proj", "v_proj", "down_proj"),
                        List.of("input_layernorm", "post_attention_layernorm", "norm")));
    }

    @Override
    DecoderForm form(ModelConfig config) throws IOException {
        return new Form(config);
    }

    private static final class Form extends DecoderForm {
        private final int window;

        Form(ModelConfig config) throws IOException {
            super(config, DEFAULTS);
            window = isNull("sliding_window") ? 0 : config.size("sliding_window", 4096);
        }

        @Override
        Biases biases(ModelConfig of) {
            return Biases.NONE;
        }

        @Override
        int window(int layer) {
            return window;
        }
    }
}
