package dev.peft4j.models;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.BlockSite;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.adapter.TaskType;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.layer.Attention.Slice;
import dev.peft4j.core.layer.CrossEntropy;
import dev.peft4j.core.layer.Embedding;
import dev.peft4j.core.layer.Functions;
import dev.peft4j.core.layer.LayerNorm;
import dev.peft4j.core.layer.Linear;
import dev.peft4j.core.layer.SequenceLoss;
import dev.peft4j.core.model.Loss;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.model.PackedBatch;
import dev.peft4j.core.model.ProblemType;
import dev.peft4j.core.model.Weights;
import dev.peft4j.core.tensor.Activation;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.AttentionShape;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Tensor;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * BERT with a head that classifies sequences by their first token.
 *
 * <p>Devlin et al. 2019, <a href="https://arxiv.org/abs/1810.04805">paper</a>, sections 3 and 4.1.
 */
public final class Bert extends BaseModel implements Model {
    private final int heads;
    private final int width; // C
    private final double dropout;
    private final double attentionDropout;
    private final double classifierDropout;
    private final Activation activation;
    private final Embedding words; // (V, C)
    private final Embedding positions; // (context, C)
    private final Embedding segments; // (2, C)
    private final LayerNorm embeddingNorm;
    private final List<Block> blocks = new ArrayList<>();
    private final Linear pooler; // (C, C)
    private final Linear classifier; // (outputs, C)
    private final ProblemType problem;

    private record Block(
            Linear q,
            Linear k,
            Linear v,
            Linear o,
            LayerNorm attentionNorm,
            Linear up,
            Linear down,
            LayerNorm outputNorm) {}

    /**
     * Reads the weights.
     *
     * @param outputs classes, labels or numbers that are predicted
     * @param seed of what the checkpoint does not have: the classifier, the layer in front of it
     */
    Bert(ModelConfig config, Weights weights, Backend backend, int outputs, long seed) throws IOException {
        super(
                "bert",
                weights,
                backend,
                config.directory(),
                config.size("max_position_embeddings", 512),
                config.size("vocab_size", 30522));
        config.require("position_embedding_type", "absolute");
        config.require("is_decoder", false);
        config.require("add_cross_attention", false);
        width = config.size("hidden_size", 768);
        heads = config.size("num_attention_heads", 12);
        if (width % heads != 0) {
            throw config.bad("hidden_size " + width + " is not a multiple of num_attention_heads " + heads
                    + ". Correct config.json.");
        }
        int inner = config.size("intermediate_size", 3072);
        double eps = config.number("layer_norm_eps", 1e-12);
        dropout = config.probability("hidden_dropout_prob", 0.1);
        attentionDropout = config.probability("attention_probs_dropout_prob", 0.1);
        classifierDropout = config.probability("classifier_dropout", dropout);
        activation = config.activation("hidden_act", "gelu");
        problem = config.problemType(outputs);

        weights.optionalPrefix("bert.");
        words = embedding("bert.embeddings.word_embeddings", vocabularySize(), width);
        positions = embedding("bert.embeddings.position_embeddings", contextLength(), width);
        segments = embedding("bert.embeddings.token_type_embeddings", config.size("type_vocab_size", 2), width);
        embeddingNorm = layerNorm("bert.embeddings.LayerNorm", width, eps);
        for (int l = 0; l < config.size("num_hidden_layers", 12); l++) {
            String h = "bert.encoder.layer." + l + ".";
            addBlock(
                    site(l, BlockSite.Kind.KEYS_AND_VALUES),
                    site(l, BlockSite.Kind.AFTER_ATTENTION),
                    site(l, BlockSite.Kind.AFTER_FEED_FORWARD));
            blocks.add(new Block(
                    linear(h + "attention.self.query", width, width, true),
                    linear(h + "attention.self.key", width, width, true),
                    linear(h + "attention.self.value", width, width, true),
                    linear(h + "attention.output.dense", width, width, true),
                    layerNorm(h + "attention.output.LayerNorm", width, eps),
                    linear(h + "intermediate.dense", width, inner, true),
                    linear(h + "output.dense", inner, width, true),
                    layerNorm(h + "output.LayerNorm", width, eps)));
        }
        Fresh fresh = new Fresh(config.number("initializer_range", 0.02), seed, config);
        pooler = newIfMissing("bert.pooler.dense", width, width, false, fresh.other());
        classifier = newIfMissing("classifier", width, outputs, true, fresh);
    }

    /** The hidden states of all tokens after the last layer (T, C). */
    public Node encode(Call call, PackedBatch batch) {
        return encode(call, batch, false, null);
    }

    /**
     * All hidden states, or only those of the first tokens (B, C), which the last layer then computes alone.
     *
     * @param seen gets the keys and values of all layers; null for nobody
     */
    private Node encode(Call chosen, PackedBatch batch, boolean firstOnly, @Nullable KeyValueCache seen) {
        Pass pass = chosen.pass();
        begin(chosen, batch, segments.site().entries());
        int frame = pass.begin();
        Call given = chosen.overTokens(batch.lengths());
        Input input = input(given, batch, words.forward(given, batch.ids()));
        Call call = input.call();
        PackedBatch all = input.batch();
        int[] places = positions(call, all);
        Node x = input.rows();
        Functions.add(pass, x, segments.forward(call, all.tokenTypes()));
        Functions.add(pass, x, positions.forward(call, places));
        x = Functions.dropout(pass, dropout, embeddingNorm.forward(call, x));
        for (int l = 0; l < blocks.size(); l++) {
            int inner = pass.begin();
            x = pass.end(inner, block(call, l, x, all, firstOnly && l == blocks.size() - 1, seen));
        }
        if (seen != null) {
            seen.advance(all);
        }
        return pass.end(frame, x);
    }

    private Node block(
            Call allRows, int layer, Node x, PackedBatch batch, boolean firstOnly, @Nullable KeyValueCache seen) {
        Pass pass = allRows.pass();
        Block b = blocks.get(layer);
        Call call = firstOnly ? allRows.overSequences() : allRows; // over the tokens that ask
        Node rows = firstOnly ? Functions.rows(pass, x, batch.starts()) : x;
        Node q = b.q.forward(call, rows);
        Node k = b.k.forward(allRows, x);
        Node v = b.v.forward(allRows, x);
        if (seen != null) {
            seen.append(layer, batch, k.value(), v.value());
        }
        AttentionShape all = selfAttention(
                pass,
                batch,
                heads,
                heads,
                width / heads,
                1 / Math.sqrt((double) width / heads),
                false,
                attentionDropout);
        AttentionShape shape = firstOnly ? firstQueries(all) : all;
        Node mixed = attend(
                call, batch, site(layer, BlockSite.Kind.KEYS_AND_VALUES), shape, Slice.of(q), Slice.of(k), Slice.of(v));
        Node a = Functions.dropout(pass, dropout, b.o.forward(call, mixed));
        a = call.subLayer(site(layer, BlockSite.Kind.AFTER_ATTENTION), a, rows, b.attentionNorm::forward);
        a = b.attentionNorm.forward(call, Functions.add(pass, a, rows));
        Node up = Functions.activation(pass, activation, b.up.forward(call, a));
        Node y = Functions.dropout(pass, dropout, b.down.forward(call, up));
        y = call.subLayer(site(layer, BlockSite.Kind.AFTER_FEED_FORWARD), y, a, b.outputNorm::forward);
        return b.outputNorm.forward(call, Functions.add(pass, y, a));
    }

    private BlockSite site(int layer, BlockSite.Kind kind) {
        return new BlockSite("bert.encoder.layer." + layer, layer, kind, width);
    }

    /** One query per sequence, over all of its keys. */
    private static AttentionShape firstQueries(AttentionShape s) {
        int[] starts = new int[s.sequences()];
        int[] counts = new int[s.sequences()];
        Arrays.setAll(starts, i -> i);
        Arrays.fill(counts, 1);
        return new AttentionShape(
                starts,
                counts,
                s.keyStart(),
                s.keyCount(),
                s.heads(),
                s.keyHeads(),
                s.headSize(),
                s.scale(),
                false,
                s.dropout(),
                s.seed());
    }

    /** {@code tanh(W h + b)} of the first token of each sequence (B, C). */
    public Node pool(Call call, PackedBatch batch) {
        Pass pass = call.pass();
        return Functions.activation(
                pass, Activation.TANH, pooler.forward(call.overSequences(), encode(call, batch, true, null)));
    }

    @Override
    public Node logits(Call call, PackedBatch batch) {
        Node pooled = Functions.dropout(call.pass(), classifierDropout, pool(call, batch));
        return classifier.forward(call.overSequences(), pooled);
    }

    @Override
    public Loss loss(Call call, PackedBatch batch, double scale) {
        if (problem == ProblemType.SINGLE_LABEL_CLASSIFICATION) {
            int[] labels = batch.classLabels();
            Node pooled = Functions.dropout(call.pass(), classifierDropout, pool(call, batch));
            double sum = CrossEntropy.forward(
                    call.overSequences(),
                    pooled,
                    labels,
                    classifier.site().out(),
                    scale,
                    (c, x) -> classifier.forward(c, x));
            return new Loss(sum, scored(call, batch));
        }
        float[] targets = batch.values(classifier.site().out());
        Node predicted = logits(call, batch);
        double sum = problem == ProblemType.REGRESSION
                ? SequenceLoss.meanSquaredError(call.pass(), predicted, targets, scale)
                : SequenceLoss.binaryCrossEntropy(call.pass(), predicted, targets, scale);
        return new Loss(sum, batch.sequences());
    }

    @Override
    public ProblemType problemType() {
        return problem;
    }

    @Override
    public Tensor keysAndValues(int... tokens) {
        try (KeyValueCache seen = new KeyValueCache(backend().dtype(), blocks.size(), width, 1, tokens.length);
                Arena arena = new Arena(backend().dtype());
                Pass pass = Pass.inference(backend(), arena)) {
            encode(Call.of(pass), PackedBatch.of(tokens), false, seen);
            return seen.sideBySide(0);
        }
    }

    @Override
    public int scored(Call call, PackedBatch batch) {
        return scored(batch, List.of());
    }

    @Override
    public int scored(PackedBatch batch, List<Adapter> adapters) {
        return problem != ProblemType.SINGLE_LABEL_CLASSIFICATION
                ? batch.sequences()
                : (int) Arrays.stream(batch.classLabels())
                        .filter(label -> label != CrossEntropy.IGNORE)
                        .count();
    }

    @Override
    public TaskType taskType() {
        return TaskType.SEQ_CLS;
    }

    /** With the layer in front of the classifier if that is new too: else its random values would be lost with the run. */
    @Override
    public List<String> taskModules() {
        return newModules().contains(pooler.site().name())
                ? List.of("classifier", pooler.site().name())
                : List.of("classifier");
    }

    @Override
    public int attentionHeads() {
        return heads;
    }

    @Override
    public int keyHeads() {
        return heads;
    }
}
