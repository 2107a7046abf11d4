package dev.peft4j.core.weight;

import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.MatrixEngine;
import dev.peft4j.core.tensor.RowTarget;
import dev.peft4j.core.tensor.Tensor;
import java.util.Objects;

/**
 * A weight that is stored as a plain matrix, which is one panel.
 *
 * @param tensor (O, I); closed with the weight
 * @param isRounded whether products with it are computed in 16 bits where the backend has such
 */
public record DenseWeight(Tensor tensor, boolean isRounded) implements FrozenWeight {
    /** A weight that is multiplied as it is. */
    public DenseWeight(Tensor tensor) {
        this(tensor, false);
    }

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
    public MatrixEngine products(Backend backend) {
        MatrixEngine exact = backend.matrices();
        return isRounded ? Objects.requireNonNullElse(exact.bf16(), exact) : exact;
    }

    @Override
    public void multiply(Pass pass, Tensor x, double beta, Tensor y) {
        products(pass.backend()).gemm(false, true, 1, x, tensor, beta, y);
    }

    @Override
    public void multiplyTransposed(Pass pass, Tensor dy, double beta, Tensor dx) {
        products(pass.backend()).gemm(false, false, 1, dy, tensor, beta, dx);
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
