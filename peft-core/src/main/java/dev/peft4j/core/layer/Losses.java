package dev.peft4j.core.layer;

import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.data.Targets;
import dev.peft4j.core.tensor.Tensor;

/** The losses of transformers' heads: of each row the mean over its numbers. */
public final class Losses {
    private Losses() {}

    /** The loss of one prediction and its derivative. */
    private interface Loss {
        double value(double predicted, double target);

        double derivative(double predicted, double target);
    }

    private static final Loss SQUARED = new Loss() {
        @Override
        public double value(double z, double t) {
            return (z - t) * (z - t);
        }

        @Override
        public double derivative(double z, double t) {
            return 2 * (z - t);
        }
    };

    private static final Loss BINARY = new Loss() {
        @Override
        public double value(double z, double t) {
            return Math.max(z, 0) - z * t + Math.log1p(Math.exp(-Math.abs(z))); // -t log σ(z) - (1 - t) log(1 - σ(z))
        }

        @Override
        public double derivative(double z, double t) {
            return 1 / (1 + Math.exp(-z)) - t;
        }
    };

    /** Cross entropy of {@link Targets.Classes}: {@code -log softmax(z)[class]}. The gradient takes the place of the logits. */
    public static double crossEntropy(Pass pass, Node logits, Targets targets, double scale) {
        int[] classes = require(Targets.Classes.class, targets, "cross entropy").classes();
        double sum = pass.backend().kernels().crossEntropy(logits.value(), classes, scale);
        if (pass.isRecording() && logits.isTracked()) {
            pass.addGrad(logits, logits.value()); // the kernel left d loss/d logits in place of the logits
        }
        return sum;
    }

    /** Squared error of {@link Targets.Numbers}: {@code (z - t)²}. */
    public static double meanSquaredError(Pass pass, Node predicted, Targets targets, double scale) {
        Targets.Numbers t = require(Targets.Numbers.class, targets, "squared error");
        return loss(pass, predicted, t.values(), scale, SQUARED);
    }

    /** Binary cross entropy of {@link Targets.LabelSets}: {@code -t log σ(z) - (1 - t) log(1 - σ(z))}. */
    public static double binaryCrossEntropy(Pass pass, Node logits, Targets targets, double scale) {
        Targets.LabelSets t = require(Targets.LabelSets.class, targets, "binary cross entropy");
        return loss(pass, logits, t.values(), scale, BINARY);
    }

    private static <T extends Targets> T require(Class<T> kind, Targets targets, String loss) {
        if (!kind.isInstance(targets)) {
            throw new IllegalArgumentException("the " + loss + " of " + targets.kind()
                    + " was asked for. Give targets of the kind that it compares.");
        }
        return kind.cast(targets);
    }

    private static double loss(Pass pass, Node predicted, float[] targets, double scale, Loss loss) {
        Tensor z = predicted.value();
        int n = z.cols();
        if (targets.length != z.rows() * n) {
            throw new IllegalArgumentException("the loss needs " + n + " values for each of " + z.rows()
                    + " sequences or images, and has " + targets.length + " in all. Give as many with each.");
        }
        boolean derive = pass.isRecording() && predicted.isTracked();
        Tensor dz = derive ? pass.allocate(z.rows(), n) : z;
        double sum = 0;
        for (int r = 0; r < z.rows(); r++) {
            for (int c = 0; c < n; c++) {
                double predictedValue = z.get(r, c);
                double target = targets[r * n + c];
                sum += loss.value(predictedValue, target) / n;
                if (derive) {
                    dz.set(r, c, scale * loss.derivative(predictedValue, target) / n);
                }
            }
        }
        if (derive) {
            pass.addGrad(predicted, dz);
        }
        return sum;
    }
}
