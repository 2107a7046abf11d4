package dev.peft4j.models;

import static dev.peft4j.models.DecoderForm.Defaults.AS_MANY;

import java.io.IOException;
import java.util.List;

/**
 * Qwen 2 and 2.5: Llama with biases of queries, keys and values, and windows in the upper layers if the config asks for them.
 *
 * <p>Yang et al. 2024, <a href="https://arxiv.org/abs/2407.10671">paper</a>, section 2.2.
 */
public final class Qwen2Family extends GatedFamily {
    private static final DecoderForm.Defaults DEFAULTS =
            new DecoderForm.Defaults(151936, 32768, 4096, 22016, 32, 32, 32, AS_MANY, 1e-6, false);

    /** For the service loader. */
    public Qwen2Family() {
        super("qwen2", "Qwen2", targets(List.of("q_proj", "v_proj", "down_proj"), List.of("post_attention_layernorm")));
    }

    @Override
    DecoderForm form(ModelConfig config) throws IOException {
        return new Form(config);
    }

    private static final class Form extends DecoderForm {
        private final int[] windows;

        Form(ModelConfig config) throws IOException {
            super(config, DEFAULTS);
            windows = upperWindows();
        }

        @Override
        Biases biases(ModelConfig of) {
            return new Biases(true, false, false);
        }

        @Override
        int window(int layer) {
            return windows[layer];
        }
    }
}
