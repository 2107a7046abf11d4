package dev.peft4j.core.tensor;

import static dev.peft4j.core.tensor.Nd4jArrays.array;
import static dev.peft4j.core.tensor.Nd4jArrays.run;
import static dev.peft4j.core.tensor.Nd4jArrays.scoped;
import static dev.peft4j.core.tensor.Nd4jArrays.store;

/** Kernels that pick rows, columns or elements, by ND4J operations. */
final class Nd4jSelection {
    private Nd4jSelection() {}

    static void scatter(int[] ids, Tensor x, Tensor table) {
        for (int r = 0; r < ids.length; r++) {
            table.rows(ids[r], 1).copyFrom(x.rows(r, 1));
        }
    }

    static void gatherColumns(int[] ids, Tensor table, Tensor y) {
        for (int r = 0; r < ids.length; r++) {
            int row = r;
            run(() -> store(array(table.columns(ids[row], 1)).transpose(), y.rows(row, 1)));
        }
    }

    static void scatterColumns(int[] ids, Tensor x, Tensor table, boolean accumulate) {
        for (int r = 0; r < ids.length; r++) {
            int row = r;
            run(() -> store(array(x.rows(row, 1)).transpose(), table.columns(ids[row], 1), accumulate));
        }
    }

    static int[] argmax(Tensor x) {
        return scoped(() -> array(x).argMax(1).toIntVector());
    }
}
