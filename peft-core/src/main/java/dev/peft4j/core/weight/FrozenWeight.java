package dev.peft4j.core.weight;

import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.Tensor;

/**
 * A matrix W (O, I) of a base model, read only, in whatever form it is stored: the weight of a linear layer, a table of token vectors (V, C), or a
 * vector as one row.
 *
 * <p>Only {@link #decode} has to be written; products go over panels of decoded rows, so that the whole matrix never exists in another form. Safe for
 * many threads.
 */
public interface FrozenWeight extends AutoCloseable {
    /** Output features O. */
    int out();

    /** Input features I. */
    int in();

    /** Bytes of memory that it takes. */
    long bytes();

    /** Whether its elements are kept as they are, so that training can change them in place. */
    default boolean isDense() {
        return false;
    }

    /**
     * Writes the values of some rows.
     *
     * @param from first row
     * @param to (n, I), in single or double precision
     */
    void decode(int from, Tensor to);

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
        pass.backend().kernels().forRange(ids.length, y.cols(), (from, to) -> {
            for (int i = from; i < to; i++) {
                decode(ids[i], y.rows(i, 1));
            }
        });
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
