package dev.peft4j.lora;

import dev.peft4j.core.autograd.KeptValue;
import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.core.weight.FrozenWeight;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The trained lengths m (1, O) of DoRA and the norms that divide them: {@code y = m / ‖W + s·B A‖ ⊙ y}, where the norm of each row of the weight is a
 * constant for the derivative.
 */
final class Magnitude {
    private final RowNorms norms;
    private final Parameter a;
    private final Parameter b;
    private final Parameter parameter; // (1, O)
    private final KeptValue kept = new KeptValue(); // m / ‖W + s·B A‖, (1, O)

    /**
     * Lengths that change nothing.
     *
     * @param norms of the weight with the update
     * @param a of the update
     * @param b of the update
     * @param shape of the lengths in files
     */
    Magnitude(String site, Backend backend, RowNorms norms, Parameter a, Parameter b, int... shape) {
        this.norms = norms;
        this.a = a;
        this.b = b;
        Tensor lengths = Tensor.allocate(backend.dtype(), 1, norms.size());
        lengths.set(norms(backend));
        parameter = new Parameter(site + ".lora_magnitude_vector", lengths, shape);
    }

    /** Computes with another weight of the base. */
    void useBase(FrozenWeight other, Backend backend) {
        kept.free();
        norms.useBase(other, backend);
    }

    Parameter parameter() {
        return parameter;
    }

    /** {@code 1 / ‖W + s·B A‖} of each row (1, O). */
    private Tensor inverseNorms(Pass pass) {
        Tensor sum = norms.squares(pass);
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

    /**
     * Adds an update to a weight, and multiplies it as a pass does.
     *
     * @param columns whether a length is that of a column of the weight: in a table
     */
    void mergeInto(Backend backend, Tensor merged, boolean columns, Runnable update) {
        try (Arena arena = new Arena(backend.dtype());
                Pass pass = Pass.inference(backend, arena)) {
            Tensor gain = gain(pass, inverseNorms(pass));
            update.run();
            if (columns) {
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
            Tensor sum = norms.squares(pass);
            backend.kernels().power(0.5, sum, sum);
            return sum;
        });
    }

    /** Scales the columns of y by {@code m / norm}, in place. */
    void scale(Pass pass, Node y) {
        if (KeptValue.serves(pass)) {
            long version = KeptValue.version(List.of(a, b, parameter)) + norms.version();
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
