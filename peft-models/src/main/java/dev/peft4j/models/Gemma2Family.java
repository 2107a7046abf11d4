package dev.peft4j.models;

import java.io.IOException;
import java.util.List;

/**
 * Gemma 2: {@code GemmaForm} with caps of scores and logits, and windows in every other layer.
 *
 * <p>Gemma Team 2024, <a href="https://arxiv.org/abs/2408.00118">paper</a>, section 2.
 */
public final class Gemma2Family extends GatedFamily {
    private static final DecoderForm.Defaults DEFAULTS =
            new DecoderForm.Defaults(256000, 8192, 2304, 9216, 26, 8, 4, 256, 1e-6, true);

    /** For the service loader. */
    public Gemma2Family() {
        super("gemma2", "Gemma2", targets(List.of("q_proj", "v_proj", "down_proj"), GemmaForm.NORMS));
    }

    @Override
    DecoderForm form(ModelConfig config) throws IOException {
        return new Form(config);
    }

    private static final class Form extends GemmaForm {

        Form(ModelConfig config) throws IOException {
            super(config, DEFAULTS, 50, 30);
        }

        @Override
        boolean slidesByDefault(int layer) {
            return layer % 2 == 0;
        }
    }
}
