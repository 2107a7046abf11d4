package dev.peft4j.lora;

import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Kernels;
import dev.peft4j.core.tensor.MatrixEngine;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.core.weight.FrozenWeight;
import java.util.Arrays;

/** Norms that are computed without the product B A: {@code ‖W + s·B A‖² = ‖W‖² + 2s·(W Aᵀ)·B + s²·B (A Aᵀ) Bᵀ}, row by row. */
final class LowRankNorms implements RowNorms {
    private FrozenWeight weight; // (O, I), or a table (I, O)
    private final boolean table;
    private final Parameter a; // (R, I)
    private final Parameter b; // (O, R)
    private final double scaling;
    private final double[] squares; // ‖W‖² of each row

    /**
     * Norms of a weight and its update.
     *
     * @param weight of the base (O, I)
     * @param table whether it is turned round: a table of vectors
     * @param a of the update
     * @param b of the update
     */
    LowRankNorms(Backend backend, FrozenWeight weight, boolean table, Parameter a, Parameter b, double scaling) {
        this.weight = weight;
        this.table = table;
        this.a = a;
        this.b = b;
        this.scaling = scaling;
        squares = new double[b.value().rows()];
        useBase(weight, backend);
    }

    @Override
    public void useBase(FrozenWeight other, Backend backend) {
        weight = other;
        Arrays.fill(squares, 0);
        try (Arena arena = new Arena(backend.dtype());
                Pass pass = Pass.inference(backend, arena)) {
            weight.forEachPanel(pass, (from, panel) -> {
                for (int o = 0; o < (table ? squares.length : panel.rows()); o++) {
                    squares[table ? o : from + o] += backend.kernels().sumOfSquares(row(panel, o));
                }
            });
        }
    }

    private Tensor row(Tensor t, int o) {
        return table ? t.columns(o, 1) : t.rows(o, 1);
    }

    @Override
    public int size() {
        return squares.length;
    }

    @Override
    public long version() {
        return weight.version();
    }

    @Override
    public Tensor squares(Pass pass) {
        int r = a.value().rows();
        int n = squares.length;
        Tensor wa = pass.allocate(n, r);
        Tensor aa = pass.allocate(r, r);
        Tensor baa = pass.allocate(n, r);
        Tensor sum = pass.allocate(1, n);
        MatrixEngine matrices = pass.backend().matrices();
        weight.forEachPanel(pass, (from, panel) -> { // W Aᵀ
            if (table) {
                Tensor part = a.value().columns(from, panel.rows());
                matrices.gemm(true, true, 1, panel, part, from == 0 ? 0 : 1, wa);
            } else {
                matrices.gemm(false, true, 1, panel, a.value(), 0, wa.rows(from, panel.rows()));
            }
        });
        matrices.gemm(false, true, 1, a.value(), a.value(), 0, aa); // A Aᵀ
        matrices.gemm(false, false, 1, b.value(), aa, 0, baa); // B A Aᵀ
        sum.set(squares);
        Kernels kernels = pass.backend().kernels();
        kernels.addRowDots(2 * scaling, wa, b.value(), sum);
        kernels.addRowDots(scaling * scaling, baa, b.value(), sum);
        return sum;
    }
}
