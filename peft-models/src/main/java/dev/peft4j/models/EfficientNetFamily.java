package dev.peft4j.models;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.layer.Convolution;
import dev.peft4j.core.layer.FeatureMap;
import dev.peft4j.core.layer.Functions;
import dev.peft4j.core.layer.Pools;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.ConvSite;
import dev.peft4j.core.site.FamilyTraits;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.core.tensor.Activation;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * EfficientNet: blocks that widen the channels, convolve each by itself, weigh them by what all pixels have in common, and narrow them again.
 *
 * <p>Tan and Le 2019, <a href="https://arxiv.org/abs/1905.11946">paper</a>, sections 3 and 4; squeeze and excitation: Hu et al. 2018, <a
 * href="https://arxiv.org/abs/1709.01507">paper</a>, section 3.
 */
public final class EfficientNetFamily implements ModelFamily {
    private static final String PREFIX = "efficientnet.";
    private static final FamilyTraits TRAITS = FamilyTraits.builder(PREFIX)
            .targets("LORA", "expand_conv", "project_conv", "top_conv")
            .head(TaskType.IMAGE_CLS, "classifier", "EfficientNetForImageClassification")
            .withoutKeysInFront()
            .build();

    @Override
    public List<String> modelTypes() {
        return List.of("efficientnet");
    }

    @Override
    public FamilyTraits traits() {
        return TRAITS;
    }

    @Override
    public Model load(ModelSource source) throws IOException {
        return new EfficientNet(source);
    }

    /** Squeeze and excitation: factors of the channels, made of their means. */
    private record Excitation(Convolution reduce, Activation activation, Convolution expand) {
        FeatureMap forward(Call call, FeatureMap x) {
            Pass pass = call.pass();
            FeatureMap means = new FeatureMap(Functions.means(pass, x.pixels(), x.starts()), x.images(), 1, 1);
            FeatureMap few = reduce.forward(call, means);
            few = few.with(Functions.activation(pass, activation, few.pixels()));
            FeatureMap all = expand.forward(call, few);
            return Pools.scaled(pass, x, Functions.activation(pass, Activation.SIGMOID, all.pixels()));
        }
    }

    /** A block; its dropout and the residual connection are those of all but the first of a stage. */
    private record Block(
            @Nullable ConvUnit expansion,
            ConvUnit depthwise,
            Excitation excitation,
            ConvUnit projection,
            boolean residual,
            double dropout) {
        FeatureMap forward(Call call, FeatureMap x) {
            FeatureMap y = expansion == null ? x : expansion.forward(call, x);
            y = projection.forward(call, excitation.forward(call, depthwise.forward(call, y)));
            if (residual) {
                Functions.add(call.pass(), Functions.dropout(call.pass(), dropout, y.pixels()), x.pixels());
            }
            return y;
        }
    }

    /** How widths and depths are scaled (section 3.3). */
    private record Scaling(double width, double depth, int divisor) {
        static Scaling of(ModelConfig config) throws IOException {
            return new Scaling(
                    config.number("width_coefficient", 2),
                    config.number("depth_coefficient", 3.1),
                    config.size("depth_divisor", 8));
        }

        int channels(int given) {
            double scaled = given * width;
            int rounded = Math.max(divisor, (int) (scaled + divisor / 2.0) / divisor * divisor);
            return rounded < 0.9 * scaled ? rounded + divisor : rounded;
        }

        int repeats(int given) {
            return (int) Math.ceil(depth * given);
        }
    }

    private static final class EfficientNet extends ImageModel {
        private static final double USUAL_MOMENTUM = 0.1; // of the norms of expansions, in transformers
        private static final int STEM = 32;
        private static final int TOP = 1280;

        private final ModelConfig config;
        private final double eps;
        private final double momentum;
        private final Activation activation;
        private final ConvUnit stem;
        private final List<Block> blocks = new ArrayList<>();
        private final ConvUnit top;
        private final double dropout;

        EfficientNet(ModelSource source) throws IOException {
            super(source, TRAITS, source.config().size("num_channels", 3));
            config = source.config();
            config.require("pooling_type", "mean");
            eps = config.number("batch_norm_eps", 1e-3);
            momentum = config.number("batch_norm_momentum", 0.99);
            activation = config.activation("hidden_act", "swish");
            dropout = config.probability("dropout_rate", 0.5);
            Scaling scaling = Scaling.of(config);
            int width = scaling.channels(STEM);
            ConvSite first = ConvSite.square(
                    PREFIX + "embeddings.convolution", config.size("num_channels", 3), width, 3, 2, 0, 1, 1);
            stem = new ConvUnit(
                    convolution(first, false),
                    batchNorm(PREFIX + "embeddings.batchnorm", width, eps, momentum),
                    activation);
            width = addBlocks(scaling);
            int last = scaling.channels(TOP);
            if (last != config.size("hidden_dim", 2560)) {
                throw config.bad("\"hidden_dim\" is " + config.size("hidden_dim", 2560) + ", and the last layer has "
                        + last + " channels. Correct config.json.");
            }
            top = unit(PREFIX + "encoder.top_conv", PREFIX + "encoder.top_bn", width, last, momentum, activation);
            setClassifier(source, last);
        }

        /** Returns the channels of the last block. */
        private int addBlocks(Scaling scaling) throws IOException {
            List<Integer> in = config.sizes("in_channels", List.of(32, 16, 24, 40, 80, 112, 192));
            List<Integer> out = config.sizes("out_channels", List.of(16, 24, 40, 80, 112, 192, 320));
            List<Integer> kernels = config.sizes("kernel_sizes", List.of(3, 3, 5, 3, 5, 5, 3));
            List<Integer> strides = config.sizes("strides", List.of(1, 2, 2, 2, 1, 2, 1));
            List<Integer> ratios = config.sizes("expand_ratios", List.of(1, 6, 6, 6, 6, 6, 6));
            List<Integer> repeats = config.sizes("num_block_repeats", List.of(1, 2, 2, 3, 3, 4, 1));
            for (List<Integer> each : List.of(out, kernels, strides, ratios, repeats)) {
                if (each.size() != in.size()) {
                    throw config.bad("\"in_channels\" has " + in.size() + " stages, and another list of them has "
                            + each.size() + ". Correct config.json.");
                }
            }
            int all = repeats.stream().mapToInt(scaling::repeats).sum();
            double drop = config.probability("drop_connect_rate", 0.2);
            int width = 0;
            for (int s = 0; s < in.size(); s++) {
                for (int j = 0; j < scaling.repeats(repeats.get(s)); j++) {
                    width = scaling.channels(j > 0 ? out.get(s) : in.get(s));
                    int stride = j > 0 ? 1 : strides.get(s);
                    Shape shape = new Shape(
                            width, scaling.channels(out.get(s)), kernels.get(s), stride, ratios.get(s), j > 0);
                    blocks.add(block(blocks.size(), shape, drop * blocks.size() / all));
                }
                width = scaling.channels(out.get(s));
            }
            return width;
        }

        private record Shape(int in, int out, int kernel, int stride, int ratio, boolean residual) {}

        private Block block(int number, Shape s, double dropRate) throws IOException {
            String name = PREFIX + "encoder.blocks." + number + ".";
            int wide = s.in * s.ratio;
            ConvUnit expansion = s.ratio == 1
                    ? null
                    : unit(
                            name + "expansion.expand_conv",
                            name + "expansion.expand_bn",
                            s.in,
                            wide,
                            USUAL_MOMENTUM,
                            activation);
            int half = s.kernel / 2;
            boolean less = s.stride == 2 && !isPaddedEvenly(number);
            ConvSite site = ConvSite.square(
                    name + "depthwise_conv.depthwise_conv",
                    wide,
                    wide,
                    s.kernel,
                    s.stride,
                    less ? half - 1 : half,
                    half,
                    wide);
            ConvUnit depthwise = new ConvUnit(
                    convolution(site, false),
                    batchNorm(name + "depthwise_conv.depthwise_norm", wide, eps, momentum),
                    activation);
            int few = Math.max(1, (int) (s.in * config.number("squeeze_expansion_ratio", 0.25)));
            Excitation excitation = new Excitation(
                    single(name + "squeeze_excite.reduce", wide, few),
                    activation,
                    single(name + "squeeze_excite.expand", few, wide));
            ConvUnit projection =
                    unit(name + "projection.project_conv", name + "projection.project_bn", wide, s.out, momentum, null);
            return new Block(expansion, depthwise, excitation, projection, s.residual && s.stride == 1, dropRate);
        }

        private boolean isPaddedEvenly(int block) throws IOException {
            return config.has("depthwise_padding")
                    && config.list("depthwise_padding").contains(block);
        }

        private Convolution single(String name, int in, int out) throws IOException {
            return convolution(ConvSite.square(name, in, out, 1, 1, 0, 0, 1), true);
        }

        /** A convolution of single pixels. */
        private ConvUnit unit(String name, String norm, int in, int out, double share, @Nullable Activation f)
                throws IOException {
            ConvSite site = ConvSite.square(name, in, out, 1, 1, 0, 0, 1);
            return new ConvUnit(convolution(site, false), batchNorm(norm, out, eps, share), f);
        }

        @Override
        protected Node features(Call call, FeatureMap images) {
            Pass pass = call.pass();
            FeatureMap x = stem.forward(call, images);
            for (int i = 0; i < blocks.size(); i++) {
                int mark = pass.begin();
                Node in = x.pixels();
                x = blocks.get(i).forward(call, x);
                pass.end(mark, x.pixels());
                pass.tell(blocks().get(i), in, x.pixels());
            }
            x = top.forward(call, x);
            return Functions.dropout(pass, dropout, Functions.means(pass, x.pixels(), x.starts()));
        }
    }
}
