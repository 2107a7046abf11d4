package dev.peft4j.models;

import java.io.IOException;
import java.util.List;

/**
 * Qwen 3: Llama whose queries and keys are normalised head by head, and windows in the upper layers if the config asks for them.
 *
 * <p>Yang et al. 2025, <a href="https://arxiv.org/abs/2505.09388">paper</a>, section 2.
 */
public final class Qwen3Family extends GatedFamily {
    private static final DecoderForm.Defaults DEFAULTS =
            new DecoderForm.Defaults(151936, 32768, 4096, 22016, 32, 32, 32, 128, 1e-6, false);

    /** For the service loader. */
    public Qwen3Family() {
        super("qwen3", "Qwen3", targets(List.of("q_proj", "v_proj", "down_proj"), List.of("post_attention_layernorm")));
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
        Biases biases(ModelConfig of) throws IOException {
            return Biases.ofAttention(of);
        }

        @Override
        GatedDecoder.Heads heads(GatedDecoder model, String prefix) throws IOException {
            return normalised(model, prefix, super.heads(model, prefix));
        }

        @Override
        int window(int layer) {
            return windows[layer];
        }
    }
}
