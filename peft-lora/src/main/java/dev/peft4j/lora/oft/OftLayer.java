package dev.peft4j.lora.oft;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.adapter.LinearUpdate;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Tensor;
import java.util.List;

/**
 * Orthogonal fine-tuning of a linear layer: {@code y = (x R) Wᵀ + b}.
 *
 * <p>Qiu et al. 2023, <a href="https://arxiv.org/abs/2306.07280">paper</a>, section 3; rotating the input instead of the weight is Qiu et al. 2025
 * (OFTv2), <a href="https://arxiv.org/abs/2506.19847">paper</a>, section 4.
 *
 * <p>Shapes: x (T, I), R (I, I) of blocks, see {@link BlockRotation}. Cost: I·(n-1)/2 parameters.
 */
record OftLayer(BlockRotation rotation) implements LinearUpdate {
    static final String NAME = ".oft_R.weight";

    @Override
    public List<Parameter> parameters() {
        return List.of(rotation.parameter());
    }

    @Override
    public boolean changesInput() {
        return true;
    }

    @Override
    public Node input(Call call, Node x) {
        return rotation.rotated(call.pass(), x);
    }

    @Override
    public void forward(Call call, Node x, Node y) {
        // all of it happens to the input
    }

    /** {@code W Rᵀ}, in place. */
    @Override
    public void mergeInto(Backend backend, Tensor weight) {
        rotation.mergeInto(backend, weight, true);
    }

    @Override
    public void free() {
        rotation.free();
    }
}
