package dev.peft4j.lora.oft;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.adapter.EmbeddingUpdate;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Tensor;
import java.util.List;

/**
 * Orthogonal fine-tuning of a table of token vectors: {@code y = E[ids] R}, as PEFT has it.
 *
 * <p>Shapes: E (V, C), R (C, C) of blocks, see {@link BlockRotation}.
 */
record OftEmbedding(BlockRotation rotation) implements EmbeddingUpdate {
    static final String NAME = ".oft_embedding_R.weight";

    @Override
    public List<Parameter> parameters() {
        return List.of(rotation.parameter());
    }

    @Override
    public void forward(Call call, int[] ids, Node y) {
        rotation.rotate(call.pass(), y);
    }

    /** {@code E R}, in place. */
    @Override
    public void mergeInto(Backend backend, Tensor table) {
        rotation.mergeInto(backend, table, false);
    }

    @Override
    public void free() {
        rotation.free();
    }
}
