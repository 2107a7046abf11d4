package dev.peft4j.adapters.bottleneck;

import dev.peft4j.core.adapter.ConfigFields;
import dev.peft4j.core.adapter.ModelSites;
import dev.peft4j.core.tensor.Activation;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** AdapterHub's {@code adapter_config.json}. */
final class BottleneckJson {
    private BottleneckJson() {}

    static BottleneckConfig read(Map<String, Object> json) {
        ConfigFields f = new ConfigFields(new ConfigFields(json).object("config"));
        for (String off : List.of(
                "phm_layer",
                "use_gating",
                "cross_adapter",
                "inv_adapter",
                "ln_before",
                "ln_after",
                "adapter_residual_before_ln",
                "stochastic_depth",
                "dropout")) {
            Object v = f.any(off);
            if (v != null && !v.equals(false) && !v.equals(0.0) && !v.equals(0)) {
                throw new IllegalArgumentException("\"" + off + "\" is " + v
                        + ", which bottleneck adapters do not compute here. Train one without it.");
            }
        }
        for (String on : List.of("original_ln_after", "residual_before_ln")) {
            if (!f.flag(on, true)) {
                throw new IllegalArgumentException(
                        "\"" + on + "\" is false, which bottleneck adapters do not compute here. Train one with it.");
            }
        }
        return new BottleneckConfig(
                f.flag("mh_adapter", false),
                f.flag("output_adapter", true),
                f.flag("is_parallel", false),
                f.flag("original_ln_before", true),
                f.number("reduction_factor", 16),
                activation(f.text("non_linearity", "relu")),
                f.number("scaling", 1),
                init(f.text("init_weights", "bert")),
                f.wholes("leave_out"),
                String.valueOf(json.get("name")),
                null);
    }

    private static Activation activation(String name) {
        return switch (name) {
            case "relu" -> Activation.RELU;
            case "swish", "silu" -> Activation.SILU;
            case "tanh" -> Activation.TANH;
            case "gelu" -> Activation.GELU;
            case "gelu_new", "gelu_orig" -> Activation.GELU_TANH;
            default ->
                throw new IllegalArgumentException("non_linearity is \"" + name
                        + "\"; there are relu, swish, tanh, gelu and gelu_new. Use one of these.");
        };
    }

    private static BottleneckConfig.Init init(String name) {
        return switch (name) {
            case "bert" -> BottleneckConfig.Init.BERT;
            case "mam_adapter" -> BottleneckConfig.Init.MAM_ADAPTER;
            case "houlsby" -> BottleneckConfig.Init.HOULSBY;
            default ->
                throw new IllegalArgumentException(
                        "init_weights is \"" + name + "\"; there are bert, mam_adapter and houlsby. Use one of these.");
        };
    }

    static Map<String, Object> write(BottleneckConfig c, ModelSites model) {
        Map<String, Object> inner = new LinkedHashMap<>();
        inner.put("mh_adapter", c.afterAttention());
        inner.put("output_adapter", c.afterFeedForward());
        inner.put("is_parallel", c.parallel());
        inner.put("original_ln_before", c.normBefore());
        inner.put("original_ln_after", true);
        inner.put("residual_before_ln", true);
        inner.put("adapter_residual_before_ln", false);
        inner.put("ln_before", false);
        inner.put("ln_after", false);
        inner.put("reduction_factor", c.reductionFactor());
        inner.put(
                "non_linearity",
                switch (c.nonLinearity()) {
                    case RELU -> "relu";
                    case SILU -> "swish";
                    case TANH -> "tanh";
                    case GELU -> "gelu";
                    case GELU_TANH -> "gelu_new";
                });
        inner.put("scaling", c.scaling());
        inner.put("init_weights", c.init().name().toLowerCase(Locale.ROOT));
        inner.put("leave_out", c.leaveOut());
        inner.put("inv_adapter", null);
        inner.put("cross_adapter", false);
        inner.put("phm_layer", false);
        inner.put("use_gating", false);
        inner.put("dropout", 0.0);
        inner.put("stochastic_depth", 0.0);
        Map<String, Object> json = new TreeMap<>();
        json.put("config", inner);
        json.put("hidden_size", model.width());
        json.put("model_class", modelClass(model));
        json.put("model_name", null);
        json.put("model_type", model.modelType());
        json.put("name", c.name());
        json.put("version", "adapters.1.2.0");
        return json;
    }

    private static String modelClass(ModelSites model) {
        return switch (model.modelType()) {
            case "gpt2" -> "GPT2LMHeadModel";
            case "llama" -> "LlamaForCausalLM";
            default -> "BertForSequenceClassification";
        };
    }
}
