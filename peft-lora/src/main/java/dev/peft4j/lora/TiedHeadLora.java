package dev.peft4j.lora;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.adapter.LinearUpdate;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.autograd.Products;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Tensor;
import java.util.List;

/**
 * LoRA of a head that is tied to an embedding and shares its update ({@code ensure_weight_tying}): {@code y += s · drop(x) B A}, with the A and B of {@link
 * EmbeddingLora}.
 *
 * <p>Shapes: x (T, C), A (R, V), B (C, R), y (T, V).
 */
final class TiedHeadLora implements LinearUpdate {
    private final EmbeddingLora embedding;
    private final double scaling;
    private final double dropout;

    TiedHeadLora(EmbeddingLora embedding, double scaling, double dropout) {
        this.embedding = embedding;
        this.scaling = scaling;
        this.dropout = dropout;
    }

    /** None of its own. */
    @Override
    public List<Parameter> parameters() {
        return List.of();
    }

    @Override
    public void forward(Call call, Node x, Node y) {
        Pass pass = call.pass();
        Node h = Products.multiply(pass, Products.dropped(pass, dropout, x), pass.node(embedding.b)); // (T, R)
        Products.addScaled(pass, y, scaling, Products.multiply(pass, h, pass.node(embedding.a)));
    }

    /** {@code W + s · (B A)ᵀ}, in place. */
    @Override
    public void mergeInto(Backend backend, Tensor weight) {
        backend.matrices().gemm(true, true, scaling, embedding.a.value(), embedding.b.value(), 1, weight);
    }
}
