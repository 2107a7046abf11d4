package dev.peft4j.core.layer;

import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.tensor.MatrixEngine;
import dev.peft4j.core.tensor.Tensor;

/** Products of each head with a table of its own: {@code y_h = x_h t_hᵀ}. */
public final class HeadProducts {
    private HeadProducts() {}

    /**
     * Rows that have a table together.
     *
     * @param firstRow of x
     * @param rows of x
     * @param firstPlace of the table
     */
    private record Group(int firstRow, int rows, int firstPlace) {}

    /**
     * Multiplies.
     *
     * @param heads N
     * @param x (T, N·H)
     * @param table (P, N·H), or one of them after another for each sequence
     * @param lengths of the sequences, if each has a table of its own
     * @param places P
     * @return (T, N·P)
     */
    public static Node forward(Pass pass, int heads, Node x, Node table, int[] lengths, int places) {
        boolean each = table.value().rows() > places;
        Group[] groups = new Group[each ? lengths.length : 1];
        int row = 0;
        for (int g = 0; g < groups.length; g++) {
            int n = each ? lengths[g] : x.value().rows();
            groups[g] = new Group(row, n, each ? g * places : 0);
            row += n;
        }
        Tensor out = pass.allocate(x.value().rows(), heads * places);
        MatrixEngine matrices = pass.backend().matrices();
        for (Group g : groups) {
            for (int h = 0; h < heads; h++) {
                matrices.gemm(
                        false,
                        true,
                        1,
                        ofRows(x.value(), g, h, heads),
                        ofTable(table.value(), g, h, heads, places),
                        0,
                        ofRows(out, g, h, heads));
            }
        }
        Node y = pass.node(out);
        if (pass.needsGrad(x, table)) {
            pass.record(
                    y,
                    () -> {
                        boolean toRows = x.isTracked() && pass.prepareGrad(x);
                        if (table.isTracked() && !pass.prepareGrad(table)) {
                            pass.backend().kernels().fillRows(null, table.grad());
                        }
                        for (Group g : groups) {
                            for (int h = 0; h < heads; h++) {
                                Tensor dy = ofRows(y.grad(), g, h, heads);
                                Tensor t = ofTable(table.value(), g, h, heads, places);
                                if (x.isTracked()) { // dx = dy t
                                    matrices.gemm(
                                            false, false, 1, dy, t, toRows ? 1 : 0, ofRows(x.grad(), g, h, heads));
                                }
                                if (table.isTracked()) { // dt = dyᵀ x
                                    Tensor dt = ofTable(table.grad(), g, h, heads, places);
                                    matrices.gemm(true, false, 1, dy, ofRows(x.value(), g, h, heads), 1, dt);
                                }
                            }
                        }
                    },
                    x.value(),
                    table.value());
        }
        return y;
    }

    private static Tensor ofRows(Tensor t, Group g, int head, int heads) {
        int columns = t.cols() / heads;
        return t.rows(g.firstRow, g.rows).columns(head * columns, columns);
    }

    private static Tensor ofTable(Tensor t, Group g, int head, int heads, int places) {
        int columns = t.cols() / heads;
        return t.rows(g.firstPlace, places).columns(head * columns, columns);
    }
}
