package dev.peft4j.core.layer;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.site.EmbeddingSite;
import dev.peft4j.core.weight.FrozenWeight;

/**
 * A table of vectors: {@code y[i] = table[ids[i]]}, followed by what the active adapters do at its site.
 *
 * @param site its name in the checkpoint and its dimensions
 * @param table (V, C)
 */
public record Embedding(EmbeddingSite site, FrozenWeight table) {

    /** The name of the table in the checkpoint. */
    public String tensorName() {
        return site.name() + ".weight";
    }

    /** Looks rows up; y (T, C). */
    public Node forward(Call call, int[] ids) {
        Pass pass = call.pass();
        Node y = pass.node(pass.allocate(ids.length, table.in()));
        String name = tensorName();
        for (Call part : call.partsIfReplaced(name)) {
            lookUp(part, part.rows(ids), part.rows(y), name);
        }
        pass.check(name, y);
        for (Call part : call.parts()) {
            for (Adapter adapter : part.adapters()) {
                adapter.embedding(part, site, part.rows(ids), part.rows(y));
            }
        }
        return y;
    }

    private void lookUp(Call call, int[] ids, Node y, String name) {
        Pass pass = call.pass();
        Node t = call.replacement(name);
        if (t == null) {
            table.gatherRows(pass, ids, y.value());
            return;
        }
        pass.backend().kernels().gather(ids, t.value(), y.value());
        if (pass.needsGrad(t)) {
            pass.record(y, () -> pass.backend().kernels().scatterAdd(ids, y.grad(), t.grad()));
        }
    }
}
