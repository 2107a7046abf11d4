package dev.peft4j.core.weight;

import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.MatrixEngine;
import dev.peft4j.core.tensor.RowTarget;
import dev.peft4j.core.tensor.Tensor;

/**
 * A matrix W (O, I) of a base model, read only, in whatever form it is stored: the weight of a linear layer, a table of token vectors (V, C), or a
 * vector as one row.
 *
 * <p>Only {@link #decodeRow} has to be written; products go over panels of decoded rows, so that the whole matrix never exists in another form. Safe for
 * many threads.
 */
public interface FrozenWeight extends AutoCloseable {
    /** Output features O. */
    int out();

    /** Input features I. */
    int in();

    /** Bytes of memory that it takes. */
    long bytes();

    /** Another number after its elements were changed, which only training in place does. */
    default long version() {
        return 0;
    }

    /** Writes the values of a row (I). */
    void decodeRow(int row, RowTarget to);

    /**
     * Writes the values of some rows.
     *
     * @param from first row
     * @param to (n, I), in single or double precision
     * @throws BadInputException if the weight does not have these rows
     */
    default void decode(int from, Tensor to) {
        if (to.cols() != in() || from < 0 || from > out() - to.rows()) {
            throw new BadInputException("rows from " + from + " on were asked for as " + to + ", and the weight is ("
                    + out() + ", " + in() + "). Ask for rows that it has.");
        }
        RowTarget.writeAll(to, (row, target) -> decodeRow(from + row, target));
    }

    /** What is done with a panel of rows. */
    @FunctionalInterface
    interface PanelAction {
        /**
         * Reads a panel.
         *
         * @param from number of its first row
         * @param rows (n, I), to be read in this call only
         */
        void take(int from, Tensor rows);
    }

    /**
     * Goes through all rows, some at a time.
     *
     * @param pass for working memory, which it has again afterwards
     */
    default void forEachPanel(Pass pass, PanelAction action) {
        Panels.forEach(this, pass, action);
    }

    /** What products are computed with where a trained matrix takes its place: in 16 bits if this one's are. */
    default MatrixEngine products(Backend backend) {
        return backend.matrices();
    }

    /** {@code y = x Wᵀ + beta · y}; x (T, I), y (T, O). */
    default void multiply(Pass pass, Tensor x, double beta, Tensor y) {
        forEachPanel(pass, (from, rows) -> pass.backend()
                .matrices()
                .gemm(false, true, 1, x, rows, beta, y.columns(from, rows.rows())));
    }

    /** {@code dx = dy W + beta · dx}; dy (T, O), dx (T, I). */
    default void multiplyTransposed(Pass pass, Tensor dy, double beta, Tensor dx) {
        forEachPanel(pass, (from, rows) -> pass.backend()
                .matrices()
                .gemm(false, false, 1, dy.columns(from, rows.rows()), rows, from == 0 ? beta : 1, dx));
    }

    /** {@code y[i] = W[ids[i]]}; y (n, I). */
    default void gatherRows(Pass pass, int[] ids, Tensor y) {
        for (int id : ids) {
            if (id < 0 || id >= out()) {
                throw new IndexOutOfBoundsException("row " + id + " of " + out());
            }
        }
        pass.backend().kernels().writeRows(y, (row, to) -> decodeRow(ids[row], to));
    }

    /** The values of all elements, which the caller closes. */
    default Tensor copy(DType dtype) {
        Tensor all = Tensor.allocate(dtype, out(), in());
        try {
            decode(0, all);
        } catch (RuntimeException e) {
            all.close();
            throw e;
        }
        return all;
    }

    /** The values of all elements, row by row. */
    default double[] toDoubles() {
        return Panels.toDoubles(this);
    }

    /** Frees the memory. */
    @Override
    void close();
}
