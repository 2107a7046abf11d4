package dev.peft4j.models;

import dev.peft4j.core.site.TaskType;
import dev.peft4j.core.tensor.Activation;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * What a config makes of a {@link PostNormEncoder}: its dimensions, and what its family does in another way than BERT. Each family overrides what differs; what it does
 * not override is BERT's.
 */
class EncoderForm {
    static final int NO_TOKEN = -1;

    private final ModelConfig config;
    private final String prefix;
    private final int context;
    private final int vocabulary;
    private final int width; // C
    private final int inner;
    private final int layers;
    private final int heads;
    private final double dropout;
    private final double attentionDropout;
    private final Activation activation;

    /** Names of the fields of a config. */
    record Fields(
            String width,
            String inner,
            String layers,
            String heads,
            String dropout,
            String attentionDropout,
            String activation) {
        static final Fields BERT = new Fields(
                "hidden_size",
                "intermediate_size",
                "num_hidden_layers",
                "num_attention_heads",
                "hidden_dropout_prob",
                "attention_probs_dropout_prob",
                "hidden_act");
    }

    /** Values of fields that a config leaves out. */
    record Defaults(int vocabulary, int context, int width, int inner, int layers, int heads) {
        static final Defaults BERT = new Defaults(30522, 512, 768, 3072, 12, 12);
    }

    /** Names of the layers of a block, behind its own. */
    record Names(
            String block,
            String query,
            String key,
            String value,
            String output,
            String attentionNorm,
            String up,
            String down,
            String outputNorm) {
        static final Names BERT = new Names(
                "encoder.layer.",
                "attention.self.query",
                "attention.self.key",
                "attention.self.value",
                "attention.output.dense",
                "attention.output.LayerNorm",
                "intermediate.dense",
                "output.dense",
                "output.LayerNorm");
    }

    /**
     * Reads the config.
     *
     * @param prefix of the names of a model with a head
     * @param task a model of vectors has names without the prefix
     */
    EncoderForm(ModelConfig config, String prefix, TaskType task, Fields f, Defaults d) throws IOException {
        this.config = config;
        this.prefix = task == TaskType.FEATURE_EXTRACTION ? "" : prefix;
        config.require("position_embedding_type", "absolute");
        config.require("is_decoder", false);
        config.require("add_cross_attention", false);
        vocabulary = config.size("vocab_size", d.vocabulary);
        context = config.size("max_position_embeddings", d.context);
        width = config.size(f.width, d.width);
        heads = config.size(f.heads, d.heads);
        if (width % heads != 0) {
            throw config.bad(f.width + " " + width + " is not a multiple of " + f.heads + " " + heads
                    + ". Correct config.json.");
        }
        inner = config.size(f.inner, d.inner);
        layers = config.size(f.layers, d.layers);
        dropout = config.probability(f.dropout, 0.1);
        attentionDropout = config.probability(f.attentionDropout, 0.1);
        activation = config.activation(f.activation, "gelu");
    }

    final ModelConfig config() {
        return config;
    }

    /** What the names of the base begin with. */
    final String prefix() {
        return prefix;
    }

    final int vocabulary() {
        return vocabulary;
    }

    final int width() {
        return width;
    }

    final int inner() {
        return inner;
    }

    final int layers() {
        return layers;
    }

    final int heads() {
        return heads;
    }

    final double dropout() {
        return dropout;
    }

    /** What is dropped of the output of attention. */
    double attentionOutputDropout() {
        return dropout;
    }

    final double attentionDropout() {
        return attentionDropout;
    }

    final Activation activation() {
        return activation;
    }

    /** Rows of the table of positions. */
    final int positionRows() {
        return context;
    }

    /** Most tokens of a sequence. */
    int context() throws IOException {
        return context;
    }

    /** Added to the variance in norms. */
    double eps() throws IOException {
        return config.number("layer_norm_eps", 1e-12);
    }

    /** Columns of the tables of embeddings, which a layer makes as wide as the others where they differ. */
    int embeddingWidth() throws IOException {
        return width;
    }

    /** The layer that does, or null if there is none. */
    @Nullable
    String projection() throws IOException {
        return null;
    }

    /** Whether the layer has a bias, and comes behind the norm of the embeddings; else in front of it, without one. */
    boolean isProjectedBehindNorm() {
        return true;
    }

    /** Rows of the table of segments; 0 for none. */
    int segments() throws IOException {
        return config.size("type_vocab_size", 2);
    }

    /** Whether positions are embedded. */
    boolean hasPositions() throws IOException {
        return true;
    }

    /** The row of the first token in the table of positions. */
    int firstPosition() throws IOException {
        return 0;
    }

    /** The token that has the position in front of the first and is not counted; -1 for none. */
    int uncounted() throws IOException {
        return NO_TOKEN;
    }

    /** The token that fills sequences up, whose vector gets no gradient; -1 for none. */
    int padding() throws IOException {
        return config.padding(0);
    }

    Names names() {
        return Names.BERT;
    }

    /** What the products of queries and keys are multiplied with. */
    double scale() throws IOException {
        return 1 / Math.sqrt((double) width / heads);
    }

    /** Reads what distances of tokens add to the scores of attention; null for nothing. */
    @Nullable
    RelativePositions relativePositions(PostNormEncoder model) throws IOException {
        return null;
    }
}
