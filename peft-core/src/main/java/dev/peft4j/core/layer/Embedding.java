package dev.peft4j.core.layer;

import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.tensor.Tensor;

/**
 * A table of vectors: {@code y[i] = table[ids[i]]}.
 *
 * @param name of the tensor in the checkpoint
 * @param table (V, C)
 */
public record Embedding(String name, Tensor table) {

    /** Looks rows up; y (T, C). */
    public Node forward(Call call, int[] ids) {
        Pass pass = call.pass();
        Node t = call.tensor(name, table);
        Tensor out = pass.allocate(ids.length, table.cols());
        pass.backend().kernels().gather(ids, t.value(), out);
        Node y = pass.node(out);
        if (pass.needsGrad(t)) {
            pass.record(y, () -> pass.backend().kernels().scatterAdd(ids, y.grad(), t.grad()));
        }
        pass.check(name, y);
        return y;
    }
}
