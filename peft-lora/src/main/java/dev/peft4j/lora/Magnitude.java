package dev.peft4j.lora;

import dev.peft4j.core.autograd.KeptValue;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Kernels;
import dev.peft4j.core.tensor.MatrixEngine;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.core.weight.FrozenWeight;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
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
    private final KeptValue kept = new KeptValue(); // m / ‖W + s·B A‖, (1, O)

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
        kept.free();
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

    /** {@code ‖W + s·B A‖²} of each row (1, O), in memory of a pass. */
    private Tensor squaredNorms(Pass pass) {
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

    /** {@code 1 / ‖W + s·B A‖} of each row (1, O). */
    private Tensor inverseNorms(Pass pass) {
        Tensor sum = squaredNorms(pass);
        pass.backend().kernels().power(-0.5, sum, sum);
        return sum;
    }

    /** {@code m / norm} of each row (1, O). */
    private Tensor gain(Pass pass, Tensor inverseNorms) {
        Tensor gain = pass.allocate(1, inverseNorms.cols());
        pass.backend().kernels().multiply(parameter.value(), inverseNorms, gain);
        return gain;
    }

    /** A vector (1, O), computed with working memory of its own. */
    private static double[] alone(Backend backend, Function<Pass, Tensor> compute) {
        try (Arena arena = new Arena(backend.dtype());
                Pass pass = Pass.inference(backend, arena)) {
            return compute.apply(pass).toDoubles();
        }
    }

    /** The same update with {@code m / norm} of each row. */
    Factors withGains(Backend backend, Factors f) {
        double[] gains = alone(backend, pass -> gain(pass, inverseNorms(pass)));
        return new Factors(f.b(), f.a(), f.r(), f.scaling(), gains, null);
    }

    /** Adds an update to a weight, and multiplies its rows as a pass does. */
    void mergeInto(Backend backend, Tensor merged, Runnable update) {
        try (Arena arena = new Arena(backend.dtype());
                Pass pass = Pass.inference(backend, arena)) {
            Tensor gain = gain(pass, inverseNorms(pass));
            update.run();
            if (table) {
                backend.kernels().scaleColumns(merged, gain, merged);
            } else {
                backend.kernels().scaleRows(merged, gain, merged);
            }
        }
    }

    /** Sets the lengths; without any, to those of {@code W + s·B A}, so that the gain is 1. */
    void store(Backend backend, double @Nullable [] lengths) {
        parameter.value().set(lengths == null ? norms(backend) : lengths);
    }

    private double[] norms(Backend backend) {
        return alone(backend, pass -> {
            Tensor sum = squaredNorms(pass);
            backend.kernels().power(0.5, sum, sum);
            return sum;
        });
    }

    /** Scales the columns of y by {@code m / norm}, in place. */
    void scale(Pass pass, Node y) {
        if (KeptValue.serves(pass)) {
            long version = KeptValue.version(List.of(a, b, parameter)) + weight.version();
            Tensor gain = kept.get(pass, version, () -> gain(pass, inverseNorms(pass)));
            pass.backend().kernels().scaleColumns(y.value(), gain, y.value());
            return;
        }
        Tensor inverse = inverseNorms(pass);
        Tensor gain = gain(pass, inverse);
        int n = gain.cols();
        Node m = pass.node(parameter);
        if (!pass.needsGrad(y, m)) {
            pass.backend().kernels().scaleColumns(y.value(), gain, y.value());
            return;
        }
        Tensor before = pass.allocate(y.value().rows(), n);
        pass.backend().kernels().copy(y.value(), before);
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

    /** Frees what is kept. */
    void free() {
        kept.close();
    }
}
