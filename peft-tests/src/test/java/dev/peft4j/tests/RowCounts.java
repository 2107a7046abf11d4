package dev.peft4j.tests;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.adapter.PeftConfig;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.site.BlockSite;
import java.util.ArrayList;
import java.util.List;

/** Counts the rows of each pass behind attention of the first layer. */
final class RowCounts implements Adapter {
    private final List<Integer> counts = new ArrayList<>();

    @Override
    public Node subLayer(Call call, BlockSite site, Node y, Node residual, Norm norm) {
        if (site.layer() == 0 && site.kind() == BlockSite.Kind.AFTER_ATTENTION) {
            counts.add(y.value().rows());
        }
        return y;
    }

    List<Integer> counts() {
        return counts;
    }

    void clear() {
        counts.clear();
    }

    @Override
    public PeftConfig config() {
        throw new UnsupportedOperationException("this adapter has no file");
    }

    @Override
    public List<Parameter> parameters() {
        return List.of();
    }

    @Override
    public void close() {}
}
