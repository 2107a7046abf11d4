package dev.peft4j.models;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.layer.BatchNorm;
import dev.peft4j.core.layer.Convolution;
import dev.peft4j.core.layer.FeatureMap;
import dev.peft4j.core.layer.Functions;
import dev.peft4j.core.layer.Linear;
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
 * VGG by the names of torchvision: {@code cfg} lists the widths of the convolutions, and an M for each pooling.
 *
 * <p>Simonyan and Zisserman 2015, <a href="https://arxiv.org/abs/1409.1556">paper</a>, section 2.
 */
public final class VggFamily implements ModelFamily {
    private static final String POOLING = "M";
    private static final int KERNEL = 3;
    private static final FamilyTraits TRAITS = FamilyTraits.builder("")
            .sequences("features", "classifier")
            .head(TaskType.IMAGE_CLS, "classifier.6", "VGG")
            .withoutKeysInFront()
            .build();

    @Override
    public List<String> modelTypes() {
        return List.of("vgg");
    }

    @Override
    public FamilyTraits traits() {
        return TRAITS;
    }

    @Override
    public Model load(ModelSource source) throws IOException {
        return new Vgg(source);
    }

    /** A convolution with its norm, or a pooling. */
    private record Step(@Nullable Convolution convolution, @Nullable BatchNorm norm) {
        FeatureMap forward(Call call, FeatureMap x) {
            if (convolution == null) {
                return Pools.max(call.pass(), x, 2, 2, 0);
            }
            FeatureMap y = convolution.forward(call, x);
            if (norm != null) {
                return norm.behind(call, y, Activation.RELU);
            }
            return y.with(Functions.activation(call.pass(), Activation.RELU, y.pixels()));
        }
    }

    private static final class Vgg extends ImageModel {
        private final List<Step> steps = new ArrayList<>();
        private final List<Linear> dense = new ArrayList<>();
        private final List<Integer> pooled;
        private final double dropout;

        Vgg(ModelSource source) throws IOException {
            super(source, TRAITS, source.config().size("num_channels", 3));
            ModelConfig config = source.config();
            boolean normed = config.flag("batch_norm", false);
            double eps = config.number("batch_norm_eps", 1e-5);
            double momentum = config.number("batch_norm_momentum", 0.1);
            int width = config.size("num_channels", 3);
            int index = 0;
            for (Object entry : config.list("cfg")) {
                if (POOLING.equals(entry)) {
                    steps.add(new Step(null, null));
                    index++;
                    continue;
                }
                if (!(entry instanceof Integer out) || out < 1) {
                    throw config.bad("\"cfg\" has the entry " + entry
                            + " where a width or M was expected. Correct config.json.");
                }
                ConvSite site = ConvSite.square("features." + index, width, out, KERNEL, 1, 1, 1, 1);
                addBlock(site.name());
                Convolution convolution = convolution(site, true);
                BatchNorm norm = normed ? batchNorm("features." + (index + 1), out, eps, momentum) : null;
                steps.add(new Step(convolution, norm));
                index += normed ? 3 : 2;
                width = out;
            }
            pooled = config.sizes("avgpool", List.of(7, 7));
            if (pooled.size() != 2) {
                throw config.bad(
                        "\"avgpool\" is " + pooled + " where height and width were expected. Correct config.json.");
            }
            dropout = config.probability("dropout", 0.5);
            int hidden = config.size("classifier_hidden", 4096);
            dense.add(linear("classifier.0", width * pooled.get(0) * pooled.get(1), hidden));
            dense.add(linear("classifier.3", hidden, hidden));
            setClassifier(source, hidden);
        }

        @Override
        protected Node features(Call call, FeatureMap images) {
            Pass pass = call.pass();
            FeatureMap x = images;
            for (Step step : steps) {
                int mark = pass.begin();
                x = step.forward(call, x);
                pass.end(mark, x.pixels());
            }
            Node y = Pools.flat(pass, Pools.adaptiveMeans(pass, x, pooled.get(0), pooled.get(1)));
            Call each = call.overSequences();
            for (Linear layer : dense) {
                y = Functions.activation(pass, Activation.RELU, layer.forward(each, y));
                y = Functions.dropout(pass, dropout, y);
            }
            return y;
        }
    }
}
