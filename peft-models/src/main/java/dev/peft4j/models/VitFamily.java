package dev.peft4j.models;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.layer.Attention;
import dev.peft4j.core.layer.Attention.Slice;
import dev.peft4j.core.layer.Convolution;
import dev.peft4j.core.layer.FeatureMap;
import dev.peft4j.core.layer.Functions;
import dev.peft4j.core.layer.LayerNorm;
import dev.peft4j.core.layer.Linear;
import dev.peft4j.core.layer.PatchTokens;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.site.ConvSite;
import dev.peft4j.core.site.FamilyTraits;
import dev.peft4j.core.site.TaskType;
import dev.peft4j.core.tensor.Activation;
import dev.peft4j.core.tensor.AttentionShape;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * ViT: patches of an image are read as a text is by an encoder, with a norm in front of each sub-layer, and the row in front of them gives the class.
 *
 * <p>Dosovitskiy et al. 2021, <a href="https://arxiv.org/abs/2010.11929">paper</a>, section 3.1; without the hidden layer of its head, as transformers has it.
 */
public final class VitFamily implements ModelFamily {
    private static final String PREFIX = "vit.";
    private static final FamilyTraits TRAITS = FamilyTraits.builder(PREFIX)
            .targets("LORA", "q_proj", "v_proj")
            .head(TaskType.IMAGE_CLS, "classifier", "ViTForImageClassification")
            .withoutKeysInFront()
            .olderNames(
                    "layers.*.attention.q_proj", "encoder.layer.*.attention.attention.query",
                    "layers.*.attention.k_proj", "encoder.layer.*.attention.attention.key",
                    "layers.*.attention.v_proj", "encoder.layer.*.attention.attention.value",
                    "layers.*.attention.o_proj", "encoder.layer.*.attention.output.dense",
                    "layers.*.mlp.fc1", "encoder.layer.*.intermediate.dense",
                    "layers.*.mlp.fc2", "encoder.layer.*.output.dense",
                    "layers", "encoder.layer")
            .build();

    @Override
    public List<String> modelTypes() {
        return List.of("vit");
    }

    @Override
    public FamilyTraits traits() {
        return TRAITS;
    }

    /** Checkpoints of the base are for classifiers too. */
    @Override
    public TaskType task(ModelConfig config) {
        return TaskType.IMAGE_CLS;
    }

    @Override
    public Model load(ModelSource source) throws IOException {
        return new Vit(source);
    }

    /** A block: attention and the feed-forward, each behind a norm. */
    private record Block(
            LayerNorm attentionNorm,
            Linear q,
            Linear k,
            Linear v,
            Linear o,
            LayerNorm upNorm,
            Linear up,
            Linear down) {}

    /** Height and width in pixels. */
    private record Size(int height, int width) {
        /** One number, or one for each. */
        static Size of(ModelConfig config, String name, int otherwise) throws IOException {
            if (!(config.fields().get(name) instanceof List<?>)) {
                int side = config.size(name, otherwise);
                return new Size(side, side);
            }
            List<Integer> sides = config.sizes(name, List.of());
            if (sides.size() != 2) {
                throw config.bad("\"" + name + "\" is " + sides
                        + " where a number, or height and width were expected. Correct config.json.");
            }
            return new Size(sides.get(0), sides.get(1));
        }

        @Override
        public String toString() {
            return height + " x " + width;
        }
    }

    private static final class Vit extends ImageModel {
        private final Size image;
        private final int heads;
        private final int width;
        private final double dropout;
        private final double attentionDropout;
        private final Activation activation;
        private final Convolution patches;
        private final PatchTokens tokens;
        private final List<Block> blocks = new ArrayList<>();
        private final LayerNorm finalNorm;
        private final boolean isMean;

        Vit(ModelSource source) throws IOException {
            super(source, TRAITS, source.config().size("num_channels", 3));
            ModelConfig config = source.config();
            image = Size.of(config, "image_size", 224);
            Size patch = Size.of(config, "patch_size", 16);
            int count = (image.height / patch.height) * (image.width / patch.width);
            if (count == 0) {
                throw config.bad("\"patch_size\" is " + patch + " pixels, and \"image_size\" is " + image
                        + ", which has no patch then. Correct config.json.");
            }
            width = config.size("hidden_size", 768);
            heads = config.size("num_attention_heads", 12);
            if (width % heads != 0) {
                throw config.bad("hidden_size " + width + " must be a multiple of num_attention_heads " + heads
                        + ". Correct config.json.");
            }
            config.require("head_dim", width / heads);
            dropout = config.probability("hidden_dropout_prob", 0);
            attentionDropout = config.probability("attention_probs_dropout_prob", 0);
            activation = config.activation("hidden_act", "gelu");
            double eps = config.number("layer_norm_eps", 1e-12);
            String embeddings = PREFIX + "embeddings.";
            String first = embeddings + "cls_token";
            String positions = embeddings + "position_embeddings";
            tokens = new PatchTokens(first, vectors(first, 1, width), positions, vectors(positions, count + 1, width));
            ConvSite projection = ConvSite.cutting(
                    embeddings + "patch_embeddings.projection",
                    config.size("num_channels", 3),
                    width,
                    patch.height,
                    patch.width);
            patches = convolution(projection, true);
            int inner = config.size("intermediate_size", 3072);
            boolean bias = config.flag("qkv_bias", true);
            for (int l = 0; l < config.size("num_hidden_layers", 12); l++) {
                blocks.add(block(PREFIX + "layers." + l + ".", inner, bias, eps));
            }
            finalNorm = layerNorm(PREFIX + "layernorm", width, eps);
            isMean = source.head().isMean();
            setClassifierOfRows(source, width);
        }

        private Block block(String name, int inner, boolean bias, double eps) throws IOException {
            return new Block(
                    layerNorm(name + "layernorm_before", width, eps),
                    linear(name + "attention.q_proj", width, width, bias),
                    linear(name + "attention.k_proj", width, width, bias),
                    linear(name + "attention.v_proj", width, width, bias),
                    linear(name + "attention.o_proj", width, width),
                    layerNorm(name + "layernorm_after", width, eps),
                    linear(name + "mlp.fc1", width, inner),
                    linear(name + "mlp.fc2", inner, width));
        }

        @Override
        protected void requireSize(String name, int height, int width) {
            if (height != image.height || width != image.width) {
                throw new BadInputException(name + "an image of " + new Size(height, width)
                        + " pixels was given, and this " + modelType() + " model reads " + image
                        + ": it has a position for each patch, and makes up no others. Resize the images.");
            }
        }

        @Override
        protected Node features(Call call, FeatureMap images) {
            Pass pass = call.pass();
            int mark = pass.begin();
            Node x = tokens.forward(call, patches.forward(call, images));
            x = pass.end(mark, Functions.dropout(pass, dropout, x)); // (T, C)
            int[] lengths = new int[images.images()];
            Arrays.fill(lengths, tokens.count());
            int[] starts = new int[lengths.length];
            Arrays.setAll(starts, i -> i * tokens.count());
            Call all = call.overTokens(lengths);
            boolean isAll = isMean || pass.isTapped(); // who listens hears of all rows
            for (int l = 0; l < blocks.size(); l++) {
                int inner = pass.begin();
                boolean last = l == blocks.size() - 1 && !isAll;
                Node in = x;
                x = pass.end(inner, block(all, blocks.get(l), x, starts, lengths, last));
                pass.tell(blocks().get(l), in, x);
            }
            if (!isAll) {
                return finalNorm.forward(call.overSequences(), x); // (N, C)
            }
            Node normed = finalNorm.forward(all, x);
            return isMean ? means(pass, normed) : Functions.rows(pass, normed, starts);
        }

        /** The mean over the patches of each image, without the row in front of them: (T, C) to (N, C). */
        private Node means(Pass pass, Node x) {
            int each = tokens.count() - 1;
            int images = x.value().rows() / tokens.count();
            int[] patches = new int[images * each];
            Arrays.setAll(patches, i -> i + i / each + 1);
            int[] starts = new int[images + 1];
            Arrays.setAll(starts, i -> i * each);
            return Functions.means(pass, Functions.rows(pass, x, patches), starts);
        }

        /** The output of a block; of the last one, only the first row of each image is read. */
        private Node block(Call all, Block b, Node x, int[] starts, int[] lengths, boolean last) {
            Pass pass = all.pass();
            Call call = last ? all.overRows(starts) : all;
            Node normed = b.attentionNorm.forward(all, x);
            Node k = b.k.forward(all, normed);
            Node v = b.v.forward(all, normed);
            Node q = b.q.forward(call, last ? Functions.rows(pass, normed, starts) : normed);
            AttentionShape shape = shape(pass, starts, lengths);
            AttentionShape asked = last ? shape.withQueries(starts) : shape;
            Node mixed = Attention.forward(pass, asked, Slice.of(q), Slice.of(k), Slice.of(v));
            Node a = Functions.dropout(pass, dropout, b.o.forward(call, mixed));
            a = Functions.add(pass, a, last ? Functions.rows(pass, x, starts) : x);
            Node y = Functions.activation(pass, activation, b.up.forward(call, b.upNorm.forward(call, a)));
            return Functions.add(pass, Functions.dropout(pass, dropout, b.down.forward(call, y)), a);
        }

        /** Each row attends to all of its image. */
        private AttentionShape shape(Pass pass, int[] starts, int[] lengths) {
            double p = pass.isTraining() ? attentionDropout : 0;
            long seed = p > 0 ? pass.nextSeed() : 0;
            int size = width / heads;
            double scale = 1 / Math.sqrt(size);
            return new AttentionShape(starts, lengths, starts, lengths, heads, heads, size, scale, false, p, seed);
        }
    }
}
