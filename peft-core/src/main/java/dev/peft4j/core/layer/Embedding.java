package dev.peft4j.core.layer;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.site.EmbeddingSite;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.core.weight.FrozenWeight;
import java.util.Arrays;
import java.util.function.BiConsumer;
import java.util.stream.IntStream;

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
        for (Call part : call.parts()) {
            for (Adapter adapter : part.adapters()) {
                adapter.embedding(part, site, part.rows(ids), part.rows(y));
            }
        }
        pass.tell(site.name(), null, y);
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
            pass.record(
                    y,
                    () -> withoutPadding(pass, site, ids, y.grad(), (kept, g) -> pass.backend()
                            .kernels()
                            .scatterAdd(kept, g, t.grad())));
        }
    }

    /**
     * Adds gradients to those of a table, except that of the padding token ({@link EmbeddingSite#padding}).
     *
     * @param gradient of the rows that were looked up (T, C), which stays as it is
     * @param add is told the ids that are left, and their gradients; not called where none is left
     */
    public static void withoutPadding(
            Pass pass, EmbeddingSite site, int[] ids, Tensor gradient, BiConsumer<int[], Tensor> add) {
        int[] rows = IntStream.range(0, ids.length)
                .filter(i -> ids[i] != site.padding())
                .toArray();
        if (rows.length == ids.length) {
            add.accept(ids, gradient);
        } else if (rows.length > 0) {
            Tensor left = pass.allocate(rows.length, gradient.cols());
            pass.backend().kernels().gather(rows, gradient, left);
            add.accept(Arrays.stream(rows).map(i -> ids[i]).toArray(), left);
        }
    }
}
