package dev.peft4j.models;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.layer.Attention.Slice;
import dev.peft4j.core.layer.Embedding;
import dev.peft4j.core.layer.Functions;
import dev.peft4j.core.layer.Linear;
import dev.peft4j.core.layer.RmsNorm;
import dev.peft4j.core.layer.Rotary;
import dev.peft4j.core.layer.RotaryAngles;
import dev.peft4j.core.site.BlockSite;
import dev.peft4j.core.site.FamilyTraits;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A decoder with rotary positions, RMS norm in front of each sub-layer, grouped key and value heads, and a gated feed-forward: what Llama began, and what differs
 * in its relatives is in their {@link DecoderForm}.
 *
 * <p>Touvron et al. 2023, <a href="https://arxiv.org/abs/2302.13971">paper</a>, section 2.2; grouped heads as in Llama 2.
 */
final class GatedDecoder extends Decoder {
    private final DecoderForm form;
    private final Dimensions dimensions;
    private final List<Rotary> rotaries = new ArrayList<>();
    private final Embedding tokens; // (V, C)
    private final List<Block> blocks = new ArrayList<>();
    private final RmsNorm finalNorm;
    private final int keysHoldTo;
    private final boolean rotatesByLength;

    private record Block(
            RmsNorm norm1,
            Heads heads,
            Linear o,
            @Nullable RmsNorm outer1,
            RmsNorm norm2,
            Gate gate,
            Linear down,
            @Nullable RmsNorm outer2) {}

    /** The layers in front of attention. */
    interface Heads {
        /** Queries (T, N·H) and keys (T, keyHeads·H), which are rotated then, and values (T, keyHeads·H). */
        QueriesKeysValues of(Call call, Node x);
    }

    /** What attention reads. */
    record QueriesKeysValues(Node queries, Node keys, Slice values) {}

    /** The layers in front of the last one of the feed-forward. */
    interface Gate {
        /** f(gate) · up (T, inner). */
        Node of(Call call, Node x);
    }

    GatedDecoder(ModelSource source, FamilyTraits traits, DecoderForm form) throws IOException {
        super(source, traits, form.longest(), form.vocabulary());
        this.form = form;
        this.dimensions = form.dimensions();
        int width = form.width();
        weights().requireMatrix("model.layers.0.self_attn." + form.firstLayer() + ".weight", form.firstRows(), width);
        List<RotaryAngles> angles = form.angles();
        tokens = embedding("model.embed_tokens", vocabularySize(), width, form.padding());
        for (int l = 0; l < dimensions.layers(); l++) {
            String h = "model.layers." + l + ".";
            addBlock("model.layers." + l, dimensions.keyWidth(), width);
            boolean outer = form.hasOuterNorms();
            blocks.add(new Block(
                    norm(h + "input_layernorm"),
                    form.heads(this, h + "self_attn."),
                    linear(
                            h + "self_attn.o_proj",
                            dimensions.heads() * dimensions.headSize(),
                            width,
                            form.hasOutputBias()),
                    outer ? norm(h + "post_attention_layernorm") : null,
                    norm(h + (outer ? "pre_feedforward_layernorm" : "post_attention_layernorm")),
                    form.gate(this, h + "mlp."),
                    linear(h + "mlp.down_proj", form.inner(), width, form.hasGateBias()),
                    outer ? norm(h + "post_feedforward_layernorm") : null));
        }
        finalNorm = norm("model.norm");
        readHead(source, form.isTied(), form.logitCap());
        for (RotaryAngles a : angles) {
            rotaries.add(own(new Rotary(backend().dtype(), a)));
        }
        keysHoldTo = angles.stream().mapToInt(RotaryAngles::keysHoldTo).min().orElse(Integer.MAX_VALUE);
        rotatesByLength = angles.stream().anyMatch(a -> a.longest() < Integer.MAX_VALUE);
    }

    private RmsNorm norm(String name) throws IOException {
        return rmsNorm(name, form.width(), form.eps(), form.normOffset());
    }

    @Override
    public double embeddingFactor() {
        return form.embeddingFactor();
    }

    @Override
    protected Node embed(Call call, int[] ids) {
        Node x = super.embed(call, ids);
        return form.embeddingFactor() == 1 ? x : Functions.scale(call.pass(), form.embeddingFactor(), x);
    }

    @Override
    protected Node begin(Call call, Node embedded, int[] positions) {
        return Functions.dropout(call.pass(), form.embeddingDropout(), embedded);
    }

    @Override
    protected Node block(Call all, int layer, Node in, Run run, int @Nullable [] kept) {
        Pass pass = all.pass();
        Block b = blocks.get(layer);
        QueriesKeysValues heads = b.heads.of(all, b.norm1.forward(all, in));
        Node q = heads.queries;
        Node k = heads.keys;
        if (form.rotates(layer)) {
            Rotary rotary = rotaries.get(form.rotation(layer));
            int[] starts = run.batch().starts();
            q = rotary.forward(pass, q, dimensions.heads(), run.positions(), starts, run.lengths());
            k = rotary.forward(pass, k, dimensions.keyHeads(), run.positions(), starts, run.lengths());
        }
        BlockSite keys = site(layer, BlockSite.Kind.KEYS_AND_VALUES);
        Node mixed = attention(all, keys, run, Slice.of(q), Slice.of(k), heads.values); // (T, N·H)
        Call call = some(all, kept);
        Node x = some(pass, in, kept);
        Node a = b.o.forward(call, some(pass, mixed, kept));
        a = b.outer1 == null ? a : b.outer1.forward(call, a);
        a = Functions.dropout(pass, form.residualDropout(), a);
        a = call.subLayer(site(layer, BlockSite.Kind.AFTER_ATTENTION), a, x, Adapter.Norm.NONE);
        Node y = Functions.add(pass, a, x);
        Node gated = b.gate.of(call, b.norm2.forward(call, y)); // (T, inner)
        Node z = b.down.forward(call, gated);
        z = b.outer2 == null ? z : b.outer2.forward(call, z);
        z = Functions.dropout(pass, form.residualDropout(), z);
        z = call.subLayer(site(layer, BlockSite.Kind.AFTER_FEED_FORWARD), z, y, Adapter.Norm.NONE);
        return Functions.add(pass, z, y);
    }

    @Override
    protected double softCap() {
        return form.softCap();
    }

    @Override
    protected int window(int layer) {
        return form.window(layer);
    }

    @Override
    protected Node end(Call call, Node x) {
        return finalNorm.forward(call, x);
    }

    @Override
    protected Dimensions dimensions() {
        return dimensions;
    }

    @Override
    protected boolean drops() {
        return dimensions.dropout() > 0 || form.residualDropout() > 0 || form.embeddingDropout() > 0;
    }

    @Override
    protected boolean rotatesByLength() {
        return rotatesByLength;
    }

    @Override
    public int keysHoldTo() {
        return keysHoldTo;
    }

    @Override
    protected Embedding tokens() {
        return tokens;
    }
}
