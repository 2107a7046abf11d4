package dev.peft4j.core.layer;

import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.tensor.Tensor;

/** Losses of numbers that are predicted of whole sequences: for each sequence the mean over its numbers. */
public final class SequenceLoss {
    private SequenceLoss() {}

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

    /**
     * Squared error: {@code (z - t)²}.
     *
     * @param predicted z (B, n)
     * @param targets t (B · n), row by row
     * @param scale of the gradient: 1 / number of sequences in the whole batch, for the mean
     * @return the sum over the sequences, not scaled
     */
    public static double meanSquaredError(Pass pass, Node predicted, float[] targets, double scale) {
        return loss(pass, predicted, targets, scale, SQUARED);
    }

    /** Binary cross entropy of logits: {@code -t log σ(z) - (1 - t) log(1 - σ(z))}; as {@link #meanSquaredError}. */
    public static double binaryCrossEntropy(Pass pass, Node predicted, float[] targets, double scale) {
        return loss(pass, predicted, targets, scale, BINARY);
    }

    private static double loss(Pass pass, Node predicted, float[] targets, double scale, Loss loss) {
        Tensor z = predicted.value();
        int n = z.cols();
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
