package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.adapter.Adapter;
import dev.peft4j.core.adapter.Call;
import dev.peft4j.core.autograd.Parameter;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.data.Batch;
import dev.peft4j.core.model.Model;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.DoubleUnaryOperator;

/** Every trainable tensor of an adapter against central differences of the loss. */
record FiniteDifferences(Model model, Adapter adapter, Batch batch, Arena arena, SplittableRandom random) {
    static final long SEED = 4242;
    private static final double STEP = 1e-5;
    private static final double TOLERANCE = 1e-5;
    private static final int PLACES = 3; // of each tensor

    void check() {
        for (Parameter p : adapter.parameters()) {
            boolean zero = model.backend().kernels().sumOfSquares(p.value()) == 0;
            if (p.isTrainable() && (zero || p.name().contains("lora_B"))) { // which hides a gradient
                fill(p.value(), random);
            }
        }
        loss(true);
        Map<Parameter, double[]> gradients = new LinkedHashMap<>();
        adapter.parameters().stream()
                .filter(Parameter::isTrainable)
                .forEach(p -> gradients.put(p, p.grad().toDoubles()));
        assertFalse(gradients.isEmpty());
        gradients.forEach(this::check);
    }

    private static void fill(Tensor t, SplittableRandom random) {
        for (int r = 0; r < t.rows(); r++) {
            for (int c = 0; c < t.cols(); c++) {
                t.set(r, c, random.nextGaussian(0, 0.3));
            }
        }
    }

    private double loss(boolean derive) {
        double loss;
        // both drop the same elements every time
        try (Pass pass =
                derive ? Pass.training(model.backend(), arena, SEED) : Pass.tracing(model.backend(), arena, SEED)) {
            double scale = 1.0 / model.scored(Call.of(pass, adapter), batch);
            loss = model.loss(Call.of(pass, adapter), batch, scale).mean();
            if (derive) {
                pass.backward();
            }
        }
        try (Pass pass = Pass.inference(model.backend(), arena)) {
            return loss + adapter.addPenalty(pass);
        }
    }

    /** Some places of a tensor, and one direction through all of them. */
    private void check(Parameter p, double[] gradient) {
        Tensor v = p.value();
        double largest = 0;
        for (double g : gradient) {
            largest = Math.max(largest, Math.abs(g));
        }
        double[] direction = new double[(int) v.size()];
        double expected = 0;
        double length = 0;
        for (int i = 0; i < direction.length; i++) {
            direction[i] = random.nextGaussian();
            double g = gradient[i];
            expected += direction[i] * g;
            length += g * g;
        }
        double all = expected;
        double size = Math.sqrt(length);
        assertClose(p, "along a direction", all, size, step -> difference(v, direction, step));
        for (int k = 0; k < PLACES; k++) {
            int r = random.nextInt(v.rows());
            int c = random.nextInt(v.cols());
            double[] place = new double[direction.length];
            place[r * v.cols() + c] = 1;
            assertClose(p, r + ", " + c, gradient[r * v.cols() + c], largest, step -> difference(v, place, step));
        }
    }

    /** The central difference of the loss along a direction; the tensor is as before then. */
    private double difference(Tensor v, double[] direction, double step) {
        double[] before = v.toDoubles();
        move(v, direction, step);
        double up = loss(false);
        move(v, direction, -2 * step);
        double down = loss(false);
        v.set(before);
        return (up - down) / (2 * step);
    }

    private static void move(Tensor t, double[] direction, double step) {
        for (int i = 0; i < direction.length; i++) {
            int r = i / t.cols();
            int c = i % t.cols();
            t.set(r, c, t.get(r, c) + step * direction[i]);
        }
    }

    /**
     * Relative to the size of the gradient; the error of the differences themselves is about 1e-10. Where a ReLU or a greatest value has a kink within the step, a
     * smaller one tells.
     */
    private static void assertClose(
            Parameter p, String place, double gradient, double size, DoubleUnaryOperator difference) {
        double found = difference.applyAsDouble(STEP);
        if (Math.abs(gradient - found) > TOLERANCE * size + 1e-9) {
            found = difference.applyAsDouble(STEP / 100);
        }
        double last = found;
        assertTrue(
                Math.abs(gradient - last) <= TOLERANCE * size + 1e-8,
                () -> "seed " + SEED + ", " + p + " " + place + ": gradient " + gradient + ", difference " + last);
    }
}
