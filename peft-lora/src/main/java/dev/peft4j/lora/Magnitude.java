package dev.peft4j.lora;

import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.tensor.Tensor;

/** The trained lengths m (1, n) of DoRA: {@code y = m / norm ⊙ y}, where the norm is a constant for the derivative. */
final class Magnitude {
    private final Parameter parameter; // (1, n)

    Magnitude(String name, Tensor lengths) {
        parameter = new Parameter(name, lengths, lengths.cols());
    }

    Parameter parameter() {
        return parameter;
    }

    /** {@code m / norm} of one column. */
    double gain(int column, double[] norms) {
        return parameter.value().get(0, column) / norms[column];
    }

    /** Scales the columns of y, in place. */
    void scale(Pass pass, Node y, double[] norms) {
        int n = norms.length;
        Tensor gain = pass.allocate(1, n);
        Tensor inverse = pass.allocate(1, n);
        for (int o = 0; o < n; o++) {
            gain.set(0, o, gain(o, norms));
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

    /** {@code ‖W + s·B A‖} of each row, without the product B A (see {@link DoraLayer}). */
    static double[] norms(double[] squares, double s, Tensor wa, Tensor baa, Tensor b) {
        double[] norms = new double[squares.length];
        for (int o = 0; o < norms.length; o++) {
            double cross = 0;
            double own = 0;
            for (int k = 0; k < b.cols(); k++) {
                cross += wa.get(o, k) * b.get(o, k);
                own += baa.get(o, k) * b.get(o, k);
            }
            norms[o] = Math.sqrt(squares[o] + 2 * s * cross + s * s * own);
        }
        return norms;
    }
}
