package dev.peft4j.models;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.data.Batch;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.layer.Attention.Slice;
import dev.peft4j.core.layer.Embedding;
import dev.peft4j.core.layer.Functions;
import dev.peft4j.core.layer.LayerNorm;
import dev.peft4j.core.layer.Linear;
import dev.peft4j.core.site.BlockSite;
import dev.peft4j.core.site.FamilyTraits;
import dev.peft4j.core.tensor.Activation;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.AttentionShape;
import dev.peft4j.core.tensor.Tensor;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * BERT with a head that classifies sequences by their first token.
 *
 * <p>Devlin et al. 2019, <a href="https://arxiv.org/abs/1810.04805">paper</a>, sections 3 and 4.1.
 */
public final class Bert extends BaseModel {
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

    private record Block(
            Linear q,
            Linear k,
            Linear v,
            Linear o,
            LayerNorm attentionNorm,
            Linear up,
            Linear down,
            LayerNorm outputNorm) {}

    /** Reads the weights; the classifier and the layer in front of it are new where the checkpoint does not have them. */
    Bert(ModelSource source, FamilyTraits traits) throws IOException {
        super(
                source,
                traits,
                source.config().size("max_position_embeddings", 512),
                source.config().size("vocab_size", 30522));
        ModelConfig config = source.config();
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
        int outputs = config.outputs(source.outputs());

        words = embedding("bert.embeddings.word_embeddings", vocabularySize(), width);
        positions = embedding("bert.embeddings.position_embeddings", contextLength(), width);
        segments = embedding("bert.embeddings.token_type_embeddings", config.size("type_vocab_size", 2), width);
        embeddingNorm = layerNorm("bert.embeddings.LayerNorm", width, eps);
        for (int l = 0; l < config.size("num_hidden_layers", 12); l++) {
            String h = "bert.encoder.layer." + l + ".";
            addBlock("bert.encoder.layer." + l, width, width);
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
        pooler = newIfMissing("bert.pooler.dense", width, width, true, false);
        Linear classifier = newIfMissing("classifier", width, outputs, true, true);
        // with the layer in front of the classifier if that is new too: else its random values would be lost with the
        // run
        boolean newPooler = newModules().contains(pooler.site().name());
        setHead(
                SequenceHead.ofFirstToken(
                        classifier,
                        config.problemType(outputs),
                        (call, x) -> Functions.dropout(call.pass(), classifierDropout, pool(call, x))),
                newPooler ? List.of("classifier", pooler.site().name()) : List.of("classifier"));
    }

    @Override
    public Node hidden(Call call, Batch batch, int @Nullable [] rows) {
        return encode(call, tokens(batch), rows, null);
    }

    /**
     * The hidden states after the last layer.
     *
     * @param rows those that the last layer computes; null for all
     * @param seen gets the keys and values of all layers; null for nobody
     */
    private Node encode(Call chosen, PackedBatch batch, int @Nullable [] rows, @Nullable KeyValueCache seen) {
        Pass pass = chosen.pass();
        begin(chosen, batch, segments.site().entries());
        int frame = pass.begin();
        Call given = chosen.overTokens(batch.lengths());
        EmbeddedInput input = input(given, batch, words.forward(given, batch.ids()));
        Call call = input.call();
        PackedBatch all = input.batch();
        int[] places = positions(call, all);
        Node x = input.rows();
        Functions.add(pass, x, segments.forward(call, all.tokenTypes()));
        Functions.add(pass, x, positions.forward(call, places));
        x = Functions.dropout(pass, dropout, embeddingNorm.forward(call, x));
        for (int l = 0; l < blocks.size(); l++) {
            int inner = pass.begin();
            x = pass.end(inner, block(call, l, x, all, l == blocks.size() - 1 ? rows : null, seen));
        }
        if (seen != null) {
            seen.advance(all);
        }
        return pass.end(frame, x);
    }

    private Node block(
            Call allRows, int layer, Node x, PackedBatch batch, int @Nullable [] kept, @Nullable KeyValueCache seen) {
        Pass pass = allRows.pass();
        Block b = blocks.get(layer);
        Call call = kept == null ? allRows : allRows.overRows(kept); // over the tokens that ask
        Node rows = kept == null ? x : Functions.rows(pass, x, kept);
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
        AttentionShape shape = kept == null ? all : all.withQueries(kept);
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

    /** {@code tanh(W h + b)} of rows (n, C). */
    public Node pool(Call call, Node rows) {
        return Functions.activation(call.pass(), Activation.TANH, pooler.forward(call, rows));
    }

    @Override
    public Tensor keysAndValues(int... tokens) {
        try (KeyValueCache seen = new KeyValueCache(backend().dtype(), blocks.size(), width, 1, tokens.length);
                Arena arena = new Arena(backend().dtype());
                Pass pass = Pass.inference(backend(), arena)) {
            encode(Call.of(pass), PackedBatch.of(tokens), null, seen);
            return seen.sideBySide(0);
        }
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
