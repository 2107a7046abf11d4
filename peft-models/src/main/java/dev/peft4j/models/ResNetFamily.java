package dev.peft4j.models;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
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
 * ResNet with basic or bottleneck layers, by the names of transformers; checkpoints may have those of torchvision and timm.
 *
 * <p>He et al. 2016, <a href="https://arxiv.org/abs/1512.03385">paper</a>, sections 3.3 and 4.1; strides in the 3 x 3 convolution of a bottleneck unless the
 * config asks for those of the paper ({@code downsample_in_bottleneck}).
 */
public final class ResNetFamily implements ModelFamily {
    private static final String PREFIX = "resnet.";
    private static final int STAGES = 4;
    private static final int CONVOLUTIONS = 3;
    private static final double EPS = 1e-5;
    private static final double MOMENTUM = 0.1;
    private static final FamilyTraits TRAITS = FamilyTraits.builder(PREFIX)
            .targets("LORA", "convolution")
            .sequences("classifier", "layers", "layer")
            .head(TaskType.IMAGE_CLS, "classifier.1", "ResNetForImageClassification")
            .namesElsewhere(namesElsewhere())
            .withoutKeysInFront()
            .build();

    /** Those of torchvision and timm, which name stages and their convolutions from 1. */
    private static String[] namesElsewhere() {
        List<String> pairs = new ArrayList<>(List.of("embedder.embedder.convolution", "conv1"));
        pairs.addAll(List.of("embedder.embedder.normalization", "bn1", "classifier.1", "fc"));
        for (int s = 0; s < STAGES; s++) {
            String ours = "encoder.stages." + s + ".layers.*.";
            String theirs = "layer" + (s + 1) + ".*.";
            for (int i = 0; i < CONVOLUTIONS; i++) {
                pairs.addAll(List.of(ours + "layer." + i + ".convolution", theirs + "conv" + (i + 1)));
                pairs.addAll(List.of(ours + "layer." + i + ".normalization", theirs + "bn" + (i + 1)));
            }
            pairs.addAll(List.of(ours + "shortcut.convolution", theirs + "downsample.0"));
            pairs.addAll(List.of(ours + "shortcut.normalization", theirs + "downsample.1"));
        }
        return pairs.toArray(String[]::new);
    }

    @Override
    public List<String> modelTypes() {
        return List.of("resnet");
    }

    @Override
    public FamilyTraits traits() {
        return TRAITS;
    }

    @Override
    public Model load(ModelSource source) throws IOException {
        return new ResNet(source);
    }

    /** Some convolutions one behind the other, and what is added to their result: the input, or a projection of it. */
    private record Layer(List<ConvUnit> units, @Nullable ConvUnit shortcut, Activation activation) {
        FeatureMap forward(Call call, FeatureMap x) {
            Pass pass = call.pass();
            FeatureMap y = x;
            for (ConvUnit unit : units) {
                y = unit.forward(call, y);
            }
            Node residual =
                    shortcut == null ? x.pixels() : shortcut.forward(call, x).pixels();
            if (activation == Activation.RELU) {
                return y.with(Functions.addRectified(pass, y.pixels(), residual));
            }
            Functions.add(pass, y.pixels(), residual);
            return y.with(Functions.activation(pass, activation, y.pixels()));
        }
    }

    private static final class ResNet extends ImageModel {
        private static final int REDUCTION = 4;

        private final Activation activation;
        private final ConvUnit stem;
        private final List<Layer> encoder = new ArrayList<>();

        ResNet(ModelSource source) throws IOException {
            super(source, TRAITS, source.config().size("num_channels", 3));
            ModelConfig config = source.config();
            config.require("layer_type", "basic", "bottleneck");
            activation = config.activation("hidden_act", "relu");
            int width = config.size("embedding_size", 64);
            stem = unit(PREFIX + "embedder.embedder", config.size("num_channels", 3), width, 7, 2, activation);
            boolean bottleneck = config.text("layer_type", "bottleneck").equals("bottleneck");
            List<Integer> widths = config.sizes("hidden_sizes", List.of(256, 512, 1024, 2048));
            List<Integer> depths = config.sizes("depths", List.of(3, 4, 6, 3));
            if (widths.size() != depths.size()) {
                throw config.bad("\"hidden_sizes\" has " + widths.size() + " stages, and \"depths\" has "
                        + depths.size() + ". Correct config.json.");
            }
            boolean first = config.flag("downsample_in_first_stage", false);
            boolean early = config.flag("downsample_in_bottleneck", false);
            for (int s = 0; s < widths.size(); s++) {
                for (int i = 0; i < depths.get(s); i++) {
                    int stride = i == 0 && (s > 0 || first) ? 2 : 1;
                    String name = PREFIX + "encoder.stages." + s + ".layers." + i;
                    addBlock(name);
                    encoder.add(layer(name, width, widths.get(s), stride, bottleneck, early));
                    width = widths.get(s);
                }
            }
            setClassifier(source, width);
        }

        private ConvUnit unit(String name, int in, int out, int kernel, int stride, @Nullable Activation f)
                throws IOException {
            ConvSite site = ConvSite.square(name + ".convolution", in, out, kernel, stride, kernel / 2, kernel / 2, 1);
            return new ConvUnit(convolution(site, false), batchNorm(name + ".normalization", out, EPS, MOMENTUM), f);
        }

        private Layer layer(String name, int in, int out, int stride, boolean bottleneck, boolean early)
                throws IOException {
            ConvUnit shortcut = in == out && stride == 1 ? null : unit(name + ".shortcut", in, out, 1, stride, null);
            String inner = name + ".layer.";
            List<ConvUnit> units = new ArrayList<>();
            if (bottleneck) {
                int narrow = out / REDUCTION;
                units.add(unit(inner + 0, in, narrow, 1, early ? stride : 1, activation));
                units.add(unit(inner + 1, narrow, narrow, 3, early ? 1 : stride, activation));
                units.add(unit(inner + 2, narrow, out, 1, 1, null));
            } else {
                units.add(unit(inner + 0, in, out, 3, stride, activation));
                units.add(unit(inner + 1, out, out, 3, 1, null));
            }
            return new Layer(units, shortcut, activation);
        }

        @Override
        protected Node features(Call call, FeatureMap images) {
            Pass pass = call.pass();
            int mark = pass.begin();
            FeatureMap x = Pools.max(pass, stem.forward(call, images), 3, 2, 1);
            pass.end(mark, x.pixels());
            for (int i = 0; i < encoder.size(); i++) {
                int inner = pass.begin();
                Node in = x.pixels();
                x = encoder.get(i).forward(call, x);
                pass.end(inner, x.pixels());
                pass.tell(blocks().get(i), in, x.pixels());
            }
            return Functions.means(pass, x.pixels(), x.starts());
        }
    }
}
