package dev.peft4j.models;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.data.Batch;
import dev.peft4j.core.data.Example;
import dev.peft4j.core.data.Layout;
import dev.peft4j.core.data.PackedBatch;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.error.WrongUseException;
import dev.peft4j.core.layer.Attention.Slice;
import dev.peft4j.core.layer.Embedding;
import dev.peft4j.core.layer.LayerNorm;
import dev.peft4j.core.layer.Linear;
import dev.peft4j.core.layer.RmsNorm;
import dev.peft4j.core.layer.Rotary;
import dev.peft4j.core.layer.RotaryAngles;
import dev.peft4j.core.site.BlockSite;
import dev.peft4j.core.site.FamilyTraits;
import dev.peft4j.core.site.LinearSite;
import dev.peft4j.core.site.TransformerSites;
import dev.peft4j.core.tensor.AttentionShape;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * What families of texts share: what adapters put in front of sequences ({@link RowsInFront}), and what a batch must be. A constructor reads the config, then the layers in the order of the forward pass.
 */
public abstract class BaseModel extends LayeredModel implements TransformerSites {
    private final TokenLimits limits;
    private final List<Rotary> rotaries = new ArrayList<>();

    /**
     * Begins a model of a family.
     *
     * @param contextLength most tokens of a sequence
     * @param vocabularySize V
     */
    protected BaseModel(ModelSource source, FamilyTraits traits, int contextLength, int vocabularySize)
            throws IOException {
        super(source, traits);
        limits = new TokenLimits(modelType(), contextLength, vocabularySize);
    }

    /**
     * Begins a run: makes sure that the weights last until its pass is closed, and that the batch has tokens of this model.
     *
     * @param segments number of segments that a token may be of
     * @throws WrongUseException if the model is closed
     * @throws BadInputException if a token or segment is out of range
     */
    protected final void begin(Call call, PackedBatch batch, int segments) {
        begin(call);
        limits.check(batch, segments);
    }

    /** Reads a linear layer whose weight is (in, out) in the file, with a bias. */
    protected final Linear conv1d(String name, int in, int out) throws IOException {
        return reader.conv1d(name, in, out);
    }

    /** A linear layer behind the base, which is new if the checkpoint has none; the output layer is one that {@code all-linear} leaves out. */
    protected final Linear newIfMissing(String name, int in, int out, boolean bias, boolean isOutput)
            throws IOException {
        return reader.newIfMissing(new LinearSite(name, in, out, isOutput), bias);
    }

    /** The output layer of a language model: the embedding if the config says so, unless the checkpoint has another one; it is new if neither is there. */
    protected final Linear output(LinearSite site, Embedding tokens, boolean tied) throws IOException {
        return reader.output(site, tokens, tied, null);
    }

    /** The same with a bias of this name. */
    protected final Linear output(LinearSite site, Embedding tokens, boolean tied, String bias) throws IOException {
        return reader.output(site, tokens, tied, bias);
    }

    /** Reads a table; that of the tokens comes first, then those of positions and segments. */
    protected final Embedding embedding(String name, int rows, int cols) throws IOException {
        return reader.embedding(name, rows, cols, -1);
    }

    /** The same with a row that gets no gradient. */
    final Embedding embedding(String name, int rows, int cols, int padding) throws IOException {
        return reader.embedding(name, rows, cols, padding);
    }

    /** Reads a layer norm that has no bias. */
    protected final LayerNorm layerNormWithoutBias(String name, int n, double eps) throws IOException {
        return reader.layerNorm(name, n, eps, false);
    }

    /** A layer norm of a head, which is new if the checkpoint has none. */
    final LayerNorm newNormIfMissing(String name, int n, double eps, boolean bias) throws IOException {
        return reader.newNormIfMissing(name, n, eps, bias);
    }

    /** Reads an RMS norm. */
    protected final RmsNorm rmsNorm(String name, int n, double eps) throws IOException {
        return reader.rmsNorm(name, n, eps, 0);
    }

    /** Reads an RMS norm whose factor is the weight and so much more. */
    protected final RmsNorm rmsNorm(String name, int n, double eps, double offset) throws IOException {
        return reader.rmsNorm(name, n, eps, offset);
    }

    /** The angles of rotary positions that a config asks for, in all spellings of transformers that are supported. */
    protected final RotaryAngles rotaryAngles(ModelConfig config, int headSize) throws IOException {
        return RotaryScaling.angles(config, headSize, config.size("max_position_embeddings", contextLength()));
    }

    /**
     * A batch of tokens.
     *
     * @throws BadInputException if it is one of images
     */
    protected final PackedBatch tokens(Batch batch) {
        return limits.tokens(batch);
    }

    @Override
    public final Layout layout(Call call, Batch batch) {
        return Layout.of(tokens(batch).withRowsOf(call));
    }

    @Override
    public final Layout layout(Batch batch, List<Adapter> adapters) {
        return Layout.of(tokens(batch).withRowsOf(adapters));
    }

    @Override
    public final void requireFits(String name, Example example, int rowsInFront) {
        limits.requireFits(name, example, rowsInFront);
    }

    /** Closes rotary tables with the model; to be made last, since a constructor that fails closes nothing. */
    protected final Rotary own(Rotary tables) {
        rotaries.add(tables);
        return tables;
    }

    /** The embedded tokens with the rows that adapters put in front. */
    protected static EmbeddedInput input(Call call, PackedBatch batch, Node embedded) {
        return RowsInFront.input(call, batch, embedded);
    }

    /** Positions of the tokens (T): those of a sequence begin behind the keys that adapters put in front of it. */
    protected final int[] positions(Call call, PackedBatch batch) {
        return checkLength(RowsInFront.positions(call, batch));
    }

    /** Attends to the keys and values of each sequence and to those that adapters put in front of them. */
    protected static Node attend(
            Call call, PackedBatch batch, BlockSite site, AttentionShape shape, Slice q, Slice k, Slice v) {
        return RowsInFront.attend(call, batch, site, shape, q, k, v);
    }

    /** Each sequence of a batch attends to itself. */
    protected static AttentionShape selfAttention(
            Pass pass,
            PackedBatch batch,
            int heads,
            int keyHeads,
            int headSize,
            double scale,
            boolean causal,
            double dropout) {
        int[] starts = batch.starts();
        int[] lengths = batch.lengths();
        double p = pass.isTraining() ? dropout : 0;
        long seed = p > 0 ? pass.nextSeed() : 0;
        return new AttentionShape(starts, lengths, starts, lengths, heads, keyHeads, headSize, scale, causal, p, seed);
    }

    /** Refuses positions that the model does not have. */
    final int[] checkLength(int[] positions) {
        return limits.check(positions);
    }

    @Override
    public final List<BlockSite> blockSites() {
        return reader.blockSites();
    }

    /** Adds the three places of the next block by its name in the checkpoint; C is the width, and keys have columns of their own. */
    protected final void addBlock(String name, int keyWidth, int width) {
        reader.addBlock(name, keyWidth, width);
    }

    /** A place of a block. */
    protected final BlockSite site(int layer, BlockSite.Kind kind) {
        return reader.site(layer, kind);
    }

    @Override
    public final String weightName(LinearSite site) {
        return reader.weightName(site);
    }

    @Override
    public final String biasName(LinearSite site) {
        return reader.biasName(site);
    }

    @Override
    public final int contextLength() {
        return limits.contextLength();
    }

    @Override
    public final int vocabularySize() {
        return limits.vocabularySize();
    }

    @Override
    final void free() {
        rotaries.forEach(Rotary::close);
    }
}
