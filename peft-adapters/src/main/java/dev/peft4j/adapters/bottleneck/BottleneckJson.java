package dev.peft4j.adapters.bottleneck;

import dev.peft4j.core.adapter.ConfigFields;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.site.TransformerSites;
import dev.peft4j.core.tensor.Activation;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** AdapterHub's {@code adapter_config.json}. */
final class BottleneckJson {
    private static final String FACTOR = "reduction_factor";
    private static final String DEFAULT = "default";

    private BottleneckJson() {}

    static BottleneckConfig read(Map<String, Object> json) {
        Map<String, Object> inner = new ConfigFields(json).object("config");
        inner.values().removeIf(Objects::isNull); // which stand for the defaults
        ConfigFields f = new ConfigFields(inner);
        if (f.any("architecture") != null && !"bottleneck".equals(f.any("architecture"))) {
            throw new BadInputException("the adapter is of AdapterHub's architecture \""
                    + f.any("architecture")
                    + "\"; of its files, bottleneck adapters can be read. Train one of these, or a"
                    + " LoRA, IA3 or prefix with PEFT.");
        }
        f.refuseTrue("phm_layer", "use_gating", "cross_adapter", "inv_adapter", "ln_before", "stochastic_depth");
        if (!f.truth("original_ln_after", true)) {
            throw f.unsupported("original_ln_after");
        }
        BottleneckPlacement placement = new BottleneckPlacement(
                f.truth("mh_adapter", false),
                f.truth("output_adapter", true),
                f.truth("is_parallel", false),
                f.truth("original_ln_before", false),
                residual(f.any("residual_before_ln")),
                leaveOut(f));
        return new BottleneckConfig(
                placement,
                factor(f),
                activation(f.text("non_linearity", "relu")),
                scaling(f),
                f.number("dropout", 0),
                norm(f, placement.parallel()),
                init(f.text("init_weights", "bert")),
                String.valueOf(json.get("name")),
                null);
    }

    private static List<Integer> leaveOut(ConfigFields f) {
        Object value = f.any("leave_out");
        if (value instanceof Collection<?> blocks && blocks.stream().allMatch(Integer.class::isInstance)) {
            return blocks.stream().map(Integer.class::cast).toList();
        }
        if (value != null) {
            throw ConfigFields.wrong("leave_out", value, "a list of the numbers of blocks");
        }
        return List.of();
    }

    private static BottleneckPlacement.Residual residual(@Nullable Object value) {
        if (value == null || value.equals(true)) {
            return BottleneckPlacement.Residual.OUTPUT;
        }
        if (value.equals(false)) {
            return BottleneckPlacement.Residual.INPUT;
        }
        if (value.equals("post_add")) {
            return BottleneckPlacement.Residual.SUM;
        }
        throw new BadInputException(
                "residual_before_ln is \"" + value + "\"; there are true, false and \"post_add\". Correct the file.");
    }

    /** A number, or an object with numbers of blocks and a default. */
    private static ReductionFactor factor(ConfigFields f) {
        if (!(f.any(FACTOR) instanceof Map<?, ?>)) {
            return ReductionFactor.of(f.number(FACTOR, 16));
        }
        ConfigFields given = new ConfigFields(f.object(FACTOR));
        Map<Integer, Double> blocks = new LinkedHashMap<>();
        for (String block : f.object(FACTOR).keySet()) {
            if (!block.equals(DEFAULT)) {
                if (!block.matches("[0-9]{1,6}")) {
                    throw new BadInputException("reduction_factor has \"" + block
                            + "\" where the number of a block or \"default\" was expected. Correct the file.");
                }
                blocks.put(Integer.parseInt(block), given.number(block, 0));
            }
        }
        return new ReductionFactor(given.any(DEFAULT) == null ? null : given.number(DEFAULT, 0), blocks);
    }

    private static Scaling scaling(ConfigFields f) {
        if (f.any("scaling") instanceof Boolean flag) {
            throw ConfigFields.wrong("scaling", flag, "a number");
        }
        if (!(f.any("scaling") instanceof String name)) {
            return Scaling.of(f.number("scaling", 1));
        }
        return switch (name) {
            case "learned" -> new Scaling(Scaling.Kind.LEARNED, 1);
            case "channel" -> new Scaling(Scaling.Kind.CHANNEL, 1);
            default ->
                throw new BadInputException("scaling is \"" + name
                        + "\"; there are numbers, \"learned\" and \"channel\". Use one of these.");
        };
    }

    /** A parallel adapter has no residual connection of its own. */
    private static BottleneckConfig.Norm norm(ConfigFields f, boolean parallel) {
        boolean residualFirst = f.truth("adapter_residual_before_ln", false) && !parallel;
        if (!f.truth("ln_after", false)) {
            return BottleneckConfig.Norm.NONE;
        }
        return residualFirst ? BottleneckConfig.Norm.AFTER_RESIDUAL : BottleneckConfig.Norm.BEFORE_RESIDUAL;
    }

    private static Activation activation(String name) {
        return switch (name.toLowerCase(Locale.ROOT)) {
            case "relu" -> Activation.RELU;
            case "swish", "silu" -> Activation.SILU;
            case "sigmoid" -> Activation.SIGMOID;
            case "tanh" -> Activation.TANH;
            case "gelu", "gelu_python" -> Activation.GELU;
            case "gelu_new", "gelu_fast", "gelu_accurate", "gelu_pytorch_tanh", "gelu_python_tanh" ->
                Activation.GELU_TANH;
            case "leakyrelu", "leaky_relu" -> Activation.LEAKY_RELU;
            default ->
                throw new BadInputException("non_linearity is \"" + name
                        + "\"; of the names of transformers there are relu, leakyrelu, leaky_relu, silu, swish, sigmoid, tanh, gelu,"
                        + " gelu_python, gelu_new, gelu_fast, gelu_accurate, gelu_pytorch_tanh and gelu_python_tanh. Use"
                        + " one of these.");
        };
    }

    private static BottleneckConfig.Init init(String name) {
        return switch (name) {
            case "bert" -> BottleneckConfig.Init.BERT;
            case "mam_adapter" -> BottleneckConfig.Init.MAM_ADAPTER;
            case "houlsby" -> BottleneckConfig.Init.HOULSBY;
            default ->
                throw new BadInputException(
                        "init_weights is \"" + name + "\"; there are bert, mam_adapter and houlsby. Use one of these.");
        };
    }

    static Map<String, Object> write(BottleneckConfig c, TransformerSites model) {
        BottleneckPlacement p = c.placement();
        Map<String, Object> inner = new LinkedHashMap<>();
        inner.put("mh_adapter", p.afterAttention());
        inner.put("output_adapter", p.afterFeedForward());
        inner.put("is_parallel", p.parallel());
        inner.put("original_ln_before", p.normBefore());
        inner.put("original_ln_after", true);
        inner.put(
                "residual_before_ln",
                switch (p.residual()) {
                    case OUTPUT -> true;
                    case SUM -> "post_add";
                    case INPUT -> false;
                });
        inner.put("adapter_residual_before_ln", c.norm() == BottleneckConfig.Norm.AFTER_RESIDUAL);
        inner.put("ln_before", false);
        inner.put("ln_after", c.norm() != BottleneckConfig.Norm.NONE);
        inner.put(FACTOR, factor(c.reductionFactor()));
        inner.put(
                "non_linearity",
                switch (c.nonLinearity()) {
                    case RELU -> "relu";
                    case SILU -> "swish";
                    case SIGMOID -> "sigmoid";
                    case TANH -> "tanh";
                    case GELU -> "gelu";
                    case GELU_TANH -> "gelu_new";
                    case LEAKY_RELU -> "leakyrelu";
                });
        inner.put(
                "scaling",
                switch (c.scaling().kind()) {
                    case FIXED -> c.scaling().value();
                    case LEARNED -> "learned";
                    case CHANNEL -> "channel";
                });
        inner.put("init_weights", c.init().name().toLowerCase(Locale.ROOT));
        inner.put("leave_out", p.leaveOut());
        inner.put("inv_adapter", null);
        inner.put("cross_adapter", false);
        inner.put("phm_layer", false);
        inner.put("use_gating", false);
        inner.put("dropout", c.dropout());
        inner.put("stochastic_depth", 0.0);
        Map<String, Object> json = new TreeMap<>();
        json.put("config", inner);
        json.put("hidden_size", model.width());
        json.put("model_class", model.traits().className(model.taskType()));
        json.put("model_name", null);
        json.put("model_type", model.modelType());
        json.put("name", c.name());
        json.put("version", "adapters.1.2.0");
        return json;
    }

    private static Object factor(ReductionFactor factor) {
        Double standard = factor.standard();
        if (factor.blocks().isEmpty() && standard != null) {
            return standard;
        }
        Map<String, Object> json = new LinkedHashMap<>();
        factor.blocks().forEach((block, value) -> json.put(String.valueOf(block), value));
        if (standard != null) {
            json.put(DEFAULT, standard);
        }
        return json;
    }
}
