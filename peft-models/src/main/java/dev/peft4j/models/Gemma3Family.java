package dev.peft4j.models;

import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.FamilyTraits;
import dev.peft4j.core.site.TaskType;
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
public final class Gemma3Family implements ModelFamily {
    private static final FamilyTraits TRAITS = FamilyTraits.builder("model.")
            .targets("LORA", "q_proj", "v_proj")
            .targets("IA3", "q_proj", "v_proj", "down_proj")
            .feedForward("down_proj")
            .targets(
                    "LN_TUNING",
                    "input_layernorm",
                    "post_attention_layernorm",
                    "pre_feedforward_layernorm",
                    "post_feedforward_layernorm",
                    "norm")
            .head(TaskType.CAUSAL_LM, "lm_head", "Gemma3ForCausalLM")
            .head(TaskType.SEQ_CLS, "score", "Gemma3ForSequenceClassification")
            .groupedKeys()
            .build();
    private static final DecoderForm.Defaults DEFAULTS =
            new DecoderForm.Defaults(262208, 131072, 2304, 9216, 26, 8, 4, 256, 1e-6, true);

    @Override
    public List<String> modelTypes() {
        return List.of("gemma3_text");
    }

    @Override
    public FamilyTraits traits() {
        return TRAITS;
    }

    @Override
    public Model load(ModelSource source) throws IOException {
        return new GatedDecoder(source, TRAITS, new Form(source.config()));
    }

    private static final class Form extends GemmaForm {
        private static final double THETA = 1e6;
        private static final double WINDOW_THETA = 1e4;

        private final int pattern;
        private final double softCap;
        private final double logitCap;

        Form(ModelConfig config) throws IOException {
            super(config, DEFAULTS);
            pattern = config.size(List.of("sliding_window_pattern", "_sliding_window_pattern"), 6);
            softCap = cap(config, "attn_logit_softcapping", 0);
            logitCap = cap(config, "final_logit_softcapping", 0);
        }

        @Override
        boolean slidesByDefault(int layer) {
            return (layer + 1) % pattern != 0;
        }

        @Override
        double softCap() {
            return softCap;
        }

        @Override
        double logitCap() {
            return logitCap;
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
