package dev.peft4j.lora;

import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.MatrixEngine;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.core.weight.FrozenWeight;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The trained lengths m (1, O) of DoRA and the norms that divide them: {@code y = m / ‖W + s·B A‖ ⊙ y}, where the norm of each row of the weight is a
 * constant for the derivative. It is computed without the product B A: {@code ‖W + s·B A‖² = ‖W‖² + 2s·(W Aᵀ)·B + s²·B (A Aᵀ) Bᵀ}, row by row.
 */
final class Magnitude {
    private FrozenWeight weight; // (O, I), or a table (I, O)
    private final boolean table;
    private final Parameter a; // (R, I)
    private final Parameter b; // (O, R)
    private final double scaling;
    private final double[] squares; // ‖W‖² of each row
    private final Parameter parameter; // (1, O)

    /**
     * Lengths that change nothing.
     *
     * @param weight of the base (O, I)
     * @param table whether it is turned round: a table of vectors
     * @param a of the update
     * @param b of the update
     */
    Magnitude(
            String site,
            Backend backend,
            FrozenWeight weight,
            boolean table,
            Parameter a,
            Parameter b,
            double scaling) {
        this.weight = weight;
        this.table = table;
        this.a = a;
        this.b = b;
        this.scaling = scaling;
        int n = b.value().rows();
        squares = new double[n];
        useBase(weight, backend);
        Tensor lengths = Tensor.allocate(backend.dtype(), 1, n);
        lengths.set(norms(backend));
        parameter = new Parameter(site + ".lora_magnitude_vector", lengths, n);
    }

    /** Computes with another weight of the base. */
    final void useBase(FrozenWeight other, Backend backend) {
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

    Parameter parameter() {
        return parameter;
    }

    private double length(int o) {
        return parameter.value().get(0, o);
    }

    /** {@code ‖W + s·B A‖} of each row, with memory of a pass. */
    double[] norms(Pass pass) {
        int r = a.value().rows();
        int n = squares.length;
        Tensor wa = pass.allocate(n, r);
        Tensor aa = pass.allocate(r, r);
        Tensor baa = pass.allocate(n, r);
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
        double[] norms = new double[squares.length];
        for (int o = 0; o < norms.length; o++) {
            double cross = 0;
            double own = 0;
            for (int k = 0; k < a.value().rows(); k++) {
                cross += wa.get(o, k) * b.value().get(o, k);
                own += baa.get(o, k) * b.value().get(o, k);
            }
            norms[o] = Math.sqrt(squares[o] + 2 * scaling * cross + scaling * scaling * own);
        }
        return norms;
    }

    /** The same with working memory of its own. */
    private double[] norms(Backend backend) {
        try (Arena arena = new Arena(backend.dtype());
                Pass pass = Pass.inference(backend, arena)) {
            return norms(pass);
        }
    }

    /** {@code m / norm} of each row. */
    double[] gains(Backend backend) {
        double[] gains = norms(backend);
        for (int o = 0; o < gains.length; o++) {
            gains[o] = length(o) / gains[o];
        }
        return gains;
    }

    /** Multiplies the rows of a weight that the update is in already. */
    void scaleRows(Backend backend, double[] gains, Tensor merged) {
        for (int o = 0; o < gains.length; o++) {
            Tensor row = row(merged, o);
            backend.kernels().scale(gains[o], row);
        }
    }

    /** Sets the lengths; without any, to those of {@code W + s·B A}, so that the gain is 1. */
    void store(Backend backend, double @Nullable [] lengths) {
        parameter.value().set(lengths == null ? norms(backend) : lengths);
    }

    /** Scales the columns of y by {@code m / norms}, in place. */
    void scale(Pass pass, Node y, double[] norms) {
        int n = norms.length;
        Tensor gain = pass.allocate(1, n);
        Tensor inverse = pass.allocate(1, n);
        for (int o = 0; o < n; o++) {
            gain.set(0, o, length(o) / norms[o]);
            inverse.set(0, o, 1 / norms[o]);
        }
        Node m = pass.node(parameter);
        if (!pass.needsGrad(y, m)) {
            pass.backend().kernels().scaleColumns(y.value(), gain, y.value());
            return;
        }
        Tensor before = pass.allocate(y.value().rows(), n);
        before.copyFrom(y.value());
        pass.backend().kernels().scaleColumns(y.value(), gain, y.value());
        pass.record(
                y,
                () -> {
                    if (m.isTracked()) { // dm = Σ dy ⊙ y / norm
                        pass.backend().kernels().addColumnDots(y.grad(), before, inverse, m.grad());
                    }
                    Tensor old = pass.replaceGrad(y);
                    pass.backend().kernels().scaleColumns(old, gain, y.grad());
                },
                before,
                gain,
                inverse);
    }
}
