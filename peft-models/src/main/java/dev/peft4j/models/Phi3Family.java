package dev.peft4j.models;

import static dev.peft4j.models.DecoderForm.Defaults.AS_MANY;

import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Products;
import dev.peft4j.core.layer.Linear;
import dev.peft4j.core.layer.RotaryAngles;
import dev.peft4j.core.site.FamilyTraits;
import java.io.IOException;
import java.util.List;

/**
 * Phi 3 and 3.5: Llama with queries, keys and values of one layer and gate and input of another, which rotates a part of each head.
 *
 * <p>Abdin et al. 2024, <a href="https://arxiv.org/abs/2404.14219">paper</a>, section 2.
 */
public final class Phi3Family extends GatedFamily {
    private static final DecoderForm.Defaults DEFAULTS =
            new DecoderForm.Defaults(32064, 4096, 3072, 8192, 32, 32, AS_MANY, AS_MANY, 1e-5, false);

    /** For the service loader. */
    public Phi3Family() {
        super(
                "phi3",
                "Phi3",
                FamilyTraits.builder("model.")
                        .targets("LORA", "qkv_proj")
                        .targets("IA3", "qkv_proj", "down_proj")
                        .feedForward("down_proj")
                        .targets("LN_TUNING", "input_layernorm", "post_attention_layernorm", "norm"));
    }

    @Override
    DecoderForm form(ModelConfig config) throws IOException {
        return new Form(config);
    }

    private static final class Form extends DecoderForm {
        private static final int PADDING = 32000;
        private static final int ORIGINAL = 4096;

        private final int window;
        private final double embeddingDropout;
        private final double residualDropout;

        Form(ModelConfig config) throws IOException {
            super(config, DEFAULTS);
            window = config.has("sliding_window") ? config.size("sliding_window") : 0;
            embeddingDropout = config.probability("embd_pdrop", 0);
            residualDropout = config.probability("resid_pdrop", 0);
        }

        @Override
        int padding() throws IOException {
            return config().padding(PADDING);
        }

        @Override
        Biases biases(ModelConfig of) {
            return Biases.NONE;
        }

        @Override
        double embeddingDropout() {
            return embeddingDropout;
        }

        @Override
        double residualDropout() {
            return residualDropout;
        }

        @Override
        String firstLayer() {
            return "qkv_proj";
        }

        @Override
        long firstRows() {
            return super.firstRows() + 2L * dimensions().keyWidth();
        }

        @Override
        GatedDecoder.Heads heads(GatedDecoder model, String prefix) throws IOException {
            return fused(model, prefix + "qkv_proj");
        }

        @Override
        GatedDecoder.Gate gate(GatedDecoder model, String prefix) throws IOException {
            Linear both = model.linear(prefix + "gate_up_proj", width(), 2 * inner(), false);
            return (call, x) -> {
                Node y = both.forward(call, x); // (T, 2·inner)
                return gated(
                        call.pass(),
                        Products.columns(call.pass(), y, 0, inner()),
                        Products.columns(call.pass(), y, inner(), inner()));
            };
        }

        @Override
        List<RotaryAngles> angles() throws IOException {
            int original = config().size("original_max_position_embeddings", ORIGINAL);
            return List.of(RotaryScaling.partial(config(), dimensions().headSize(), context(), original));
        }

        @Override
        int window(int layer) {
            return window;
        }
    }
}
