package dev.peft4j.core.weight;

import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.tensor.RowTarget;
import dev.peft4j.core.tensor.Tensor;

/**
 * A weight that is stored as a plain matrix, which is one panel.
 *
 * @param tensor (O, I); closed with the weight
 */
public record DenseWeight(Tensor tensor) implements FrozenWeight {
    @Override
    public int out() {
        return tensor.rows();
    }

    @Override
    public int in() {
        return tensor.cols();
    }

    @Override
    public long bytes() {
        return tensor.size() * tensor.dtype().bytes();
    }

    @Override
    public double[] toDoubles() {
        return tensor.toDoubles();
    }

    @Override
    public long version() {
        return tensor.version();
    }

    @Override
    public void decodeRow(int row, RowTarget to) {
        to.copy(tensor, row);
    }

    @Override
    public void decode(int from, Tensor to) {
        to.copyFrom(tensor.rows(from, to.rows()));
    }

    @Override
    public void forEachPanel(Pass pass, PanelAction action) {
        action.take(0, tensor);
    }

    @Override
    public void gatherRows(Pass pass, int[] ids, Tensor y) {
        pass.backend().kernels().gather(ids, tensor, y);
    }

    @Override
    public void close() {
        tensor.close();
    }
}
