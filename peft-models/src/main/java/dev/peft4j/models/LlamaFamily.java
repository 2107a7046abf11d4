package dev.peft4j.models;

import static dev.peft4j.models.DecoderForm.Defaults.AS_MANY;

import java.io.IOException;
import java.util.List;

/**
 * Llama 1 to 3.
 *
 * <p>Touvron et al. 2023, <a href="https://arxiv.org/abs/2302.13971">paper</a>; the scaled frequencies as in Llama 3.
 */
public final class LlamaFamily extends GatedFamily {
    private static final DecoderForm.Defaults DEFAULTS =
            new DecoderForm.Defaults(32000, 2048, 4096, 11008, 32, 32, AS_MANY, AS_MANY, 1e-6, false);

    /** For the service loader. */
    public LlamaFamily() {
        super(
                "llama",
                "Llama",
                targets(
                        List.of("k_proj", "v_proj", "down_proj"),
                        List.of("input_layernorm", "post_attention_layernorm", "norm")));
    }

    @Override
    DecoderForm form(ModelConfig config) throws IOException {
        return new DecoderForm(config, DEFAULTS);
    }
}
