package dev.peft4j.models;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.layer.FeatureMap;
import dev.peft4j.core.layer.Functions;
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
 * ResNet for small images: stages of basic layers without a pooling in front, whose shortcuts have no parameters. Its config lists {@code stages} with their
 * {@code blocks}, {@code channels} and {@code first_stride}.
 *
 * <p>He et al. 2016, <a href="https://arxiv.org/abs/1512.03385">paper</a>, section 4.2; shortcuts of option A of section 4.1.
 */
public final class ResNetCifarFamily implements ModelFamily {
    private static final String HEAD = "linear";
    private static final FamilyTraits TRAITS = FamilyTraits.builder("")
            .targets("LORA", "conv1", "conv2")
            .head(TaskType.IMAGE_CLS, HEAD, "ResNetCifar")
            .withoutKeysInFront()
            .build();

    @Override
    public List<String> modelTypes() {
        return List.of("resnet_cifar");
    }

    @Override
    public FamilyTraits traits() {
        return TRAITS;
    }

    @Override
    public Model load(ModelSource source) throws IOException {
        return new ResNet(source);
    }

    /**
     * Two convolutions, to whose result the input is added: every so many of its pixels, with channels of zeros on both sides where the result has more.
     *
     * @param stride of the pixels
     */
    private record Layer(ConvUnit first, ConvUnit second, int stride) {
        FeatureMap forward(Call call, FeatureMap x) {
            Pass pass = call.pass();
            FeatureMap y = second.forward(call, first.forward(call, x));
            if (stride == 1 && y.channels() == x.channels()) {
                return y.with(Functions.addRectified(pass, y.pixels(), x.pixels()));
            }
            Node from = stride == 1 ? x.pixels() : Functions.rows(pass, x.pixels(), kept(x, y));
            Functions.addToColumns(pass, y.pixels(), (y.channels() - x.channels()) / 2, from);
            return y.with(Functions.activation(pass, Activation.RELU, y.pixels()));
        }

        /** Numbers of the pixels that are kept. */
        private int[] kept(FeatureMap x, FeatureMap y) {
            int[] pixels = new int[y.images() * y.height() * y.width()];
            for (int i = 0; i < pixels.length; i++) {
                int row = i / y.width() % y.height() * stride;
                int image = i / (y.height() * y.width());
                pixels[i] = (image * x.height() + row) * x.width() + i % y.width() * stride;
            }
            return pixels;
        }
    }

    private static final class ResNet extends ImageModel {
        private static final int KERNEL = 3;

        private final double eps;
        private final double momentum;
        private final ConvUnit stem;
        private final List<Layer> layers = new ArrayList<>();

        ResNet(ModelSource source) throws IOException {
            super(source, TRAITS, source.config().size("num_channels", 3));
            ModelConfig config = source.config();
            eps = config.number("batch_norm_eps", 1e-5);
            momentum = config.number("batch_norm_momentum", 0.1);
            List<ModelConfig> stages = config.objects("stages");
            int width = stages.get(0).size("channels");
            stem = unit("conv1", "bn1", config.size("num_channels", 3), width, 1, Activation.RELU);
            for (int s = 0; s < stages.size(); s++) {
                ModelConfig stage = stages.get(s);
                int out = stage.size("channels");
                if (out < width || (out - width) % 2 != 0) {
                    throw config.bad("stage " + (s + 1) + " of \"stages\" has " + out + " channels, and the one before "
                            + width + "; its shortcut adds half of the new ones on each side. Correct config.json.");
                }
                for (int i = 0; i < stage.size("blocks"); i++) {
                    int stride = i == 0 ? stage.size("first_stride", s == 0 ? 1 : 2) : 1;
                    String name = "layer" + (s + 1) + "." + i;
                    layers.add(layer(name + ".", width, out, stride));
                    addBlock(name);
                    width = out;
                }
            }
            setClassifier(source, width);
        }

        private Layer layer(String name, int in, int out, int stride) throws IOException {
            return new Layer(
                    unit(name + "conv1", name + "bn1", in, out, stride, Activation.RELU),
                    unit(name + "conv2", name + "bn2", out, out, 1, null),
                    stride);
        }

        private ConvUnit unit(String name, String norm, int in, int out, int stride, @Nullable Activation f)
                throws IOException {
            ConvSite site = ConvSite.square(name, in, out, KERNEL, stride, 1, 1, 1);
            return new ConvUnit(convolution(site, false), batchNorm(norm, out, eps, momentum), f);
        }

        @Override
        protected Node features(Call call, FeatureMap images) {
            Pass pass = call.pass();
            FeatureMap x = stem.forward(call, images);
            for (int i = 0; i < layers.size(); i++) {
                int mark = pass.begin();
                Node in = x.pixels();
                x = layers.get(i).forward(call, x);
                pass.end(mark, x.pixels());
                pass.tell(blocks().get(i), in, x.pixels());
            }
            return Functions.means(pass, x.pixels(), x.starts());
        }
    }
}
