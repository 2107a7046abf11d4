package dev.peft4j.core.layer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.data.ImageBatch;
import dev.peft4j.core.data.Targets;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.Tensor;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Losses of what is to be predicted of mixed images, against PyTorch and against formulas in double precision. */
class MixedLossTest {
    private static final double SCALE = 0.5;

    /** A loss and the gradient of SCALE times it. */
    private record Result(double loss, double[] gradient) {}

    private static Result run(Backend backend, LossFunction loss, double[] logits, int rows, Targets targets) {
        try (Arena arena = new Arena(backend.dtype());
                Pass pass = Pass.differentiable(backend, arena)) {
            Tensor z = pass.allocate(rows, logits.length / rows);
            z.set(logits);
            Node node = pass.trackedNode(z);
            double sum = loss.forward(pass, node, targets, SCALE);
            return new Result(sum, node.grad().toDoubles());
        }
    }

    private static void assertBoth(Result expected, LossFunction loss, double[] logits, int rows, Targets targets) {
        try (Backend host = Backend.host();
                Backend exact = Backend.nd4j(DType.F64)) {
            assertResult(expected, run(exact, loss, logits, rows, targets), 1e-12);
            assertResult(expected, run(host, loss, logits, rows, targets), 2e-6);
        }
    }

    private static void assertResult(Result expected, Result found, double tolerance) {
        assertEquals(expected.loss, found.loss, tolerance * Math.max(1, Math.abs(expected.loss)));
        assertArrayEquals(expected.gradient, found.gradient, tolerance);
    }

    private static Targets.MixedClasses mixed(int[] own, int[] others, double share) {
        return new Targets.MixedClasses(new Targets.Classes(own), new Targets.Classes(others), share);
    }

    /** The numbers are printed by scripts/make-mixup-fixture.py. */
    @Test
    void the_cross_entropy_of_two_classes_is_that_of_pytorch_with_soft_targets() {
        double[] logits = {0.5, -1.25, 2.0, 0.75, -0.5, 3.0, 0.25, -2.0, 1.5, 1.0, -0.75, 0.125};
        double[] gradient = {
            -0.27794857935000755,
            0.012520659497556017,
            0.17291206442940135,
            0.09251585542305024,
            -0.13628467930803537,
            0.45418904347281297,
            0.02903533413273726,
            -0.34693969829751486,
            0.25448278033096977,
            0.15435160863964828,
            0.026822287711231477,
            -0.4356566766818495,
        };
        Targets targets = mixed(new int[] {2, 0, 3}, new int[] {0, 3, 3}, 0.3);
        assertBoth(new Result(8.183697575851403, gradient), Losses::crossEntropy, logits, 3, targets);
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, 1e-9, 0.25, 0.5, 0.875, 1})
    void it_is_that_of_soft_targets_by_hand(double share) {
        SplittableRandom random = new SplittableRandom(17);
        int rows = 7;
        int n = 5;
        double[] z = IntStream.range(0, rows * n)
                .mapToDouble(i -> (float) random.nextGaussian(0, 3))
                .toArray();
        int[] own = random.ints(rows, 0, n).toArray();
        int[] others = random.ints(rows, 0, n).toArray();
        double loss = 0;
        double[] gradient = new double[z.length];
        for (int r = 0; r < rows; r++) {
            int from = r * n;
            double sum = Arrays.stream(z, from, from + n).map(Math::exp).sum();
            for (int c = 0; c < n; c++) {
                double target = (c == own[r] ? share : 0) + (c == others[r] ? 1 - share : 0);
                loss -= target * (z[from + c] - Math.log(sum));
                gradient[from + c] = SCALE * (Math.exp(z[from + c]) / sum - target);
            }
        }
        assertBoth(new Result(loss, gradient), Losses::crossEntropy, z, rows, mixed(own, others, share));
    }

    private static ImageBatch images(Targets first, Targets second) {
        return ImageBatch.of(IntStream.range(0, 2)
                .mapToObj(i -> new ImageBatch.Image(new float[1], 1, 1, 1, i == 0 ? first : second))
                .toList());
    }

    @Test
    void sets_of_labels_and_numbers_are_compared_with_their_mixture() {
        double[] z = {0.5, -1.5, 2, 0.25};
        double[] t = {0.25, 0.75, 0.75, 0.25}; // 0.25 of the first, 0.75 of the second, and the other way round
        double entropy = 0;
        double error = 0;
        double[] ofEntropy = new double[4];
        double[] ofError = new double[4];
        for (int i = 0; i < 4; i++) {
            double p = 1 / (1 + Math.exp(-z[i]));
            entropy -= (t[i] * Math.log(p) + (1 - t[i]) * Math.log(1 - p)) / 2;
            ofEntropy[i] = SCALE * (p - t[i]) / 2;
            error += (z[i] - t[i]) * (z[i] - t[i]) / 2;
            ofError[i] = SCALE * (z[i] - t[i]);
        }
        float[] first = {1, 0};
        float[] second = {0, 1};
        Targets sets = images(new Targets.LabelSets(first, 2), new Targets.LabelSets(second, 2))
                .mixed(0.25, 1, 0)
                .targets();
        assertBoth(new Result(entropy, ofEntropy), Losses::binaryCrossEntropy, z, 2, sets);
        Targets numbers = images(new Targets.Numbers(first, 2), new Targets.Numbers(second, 2))
                .mixed(0.25, 1, 0)
                .targets();
        assertBoth(new Result(error, ofError), Losses::meanSquaredError, z, 2, numbers);
    }
}
