package dev.peft4j.core.tensor;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Losses and their derivatives on the host. Those of numbers and of independent labels are computed in double precision, since there are few. */
final class HostLosses {
    private final HostRows rows;

    HostLosses(HostRows rows) {
        this.rows = rows;
    }

    /** A function of one prediction and its target. */
    private interface Term {
        double of(double predicted, double target);
    }

    double crossEntropy(Tensor logits, int[] labels, double scale) {
        int n = logits.cols();
        double[] losses = new double[logits.rows()];
        rows.run(logits, (r, a, b, c) -> {
            logits.read(r, 0, a, 0, n);
            float max = FastMath.max(a, n);
            float target = a[labels[r]];
            double sum = FastMath.expShifted(a, max, n);
            losses[r] = Math.log(sum) + max - target;
            float factor = (float) (scale / sum); // d loss/d logits = softmax - onehot
            for (int i = 0; i < n; i++) {
                a[i] *= factor;
            }
            a[labels[r]] -= (float) scale;
            logits.write(r, 0, a, 0, n);
        });
        return Arrays.stream(losses).sum();
    }

    double squaredError(Tensor z, float[] targets, double scale, @Nullable Tensor dz) {
        return loss(z, targets, scale, dz, (p, t) -> (p - t) * (p - t), (p, t) -> 2 * (p - t));
    }

    double binaryCrossEntropy(Tensor z, float[] targets, double scale, @Nullable Tensor dz) {
        Term value = (p, t) -> Math.max(p, 0) - p * t + Math.log1p(Math.exp(-Math.abs(p)));
        return loss(z, targets, scale, dz, value, (p, t) -> 1 / (1 + Math.exp(-p)) - t);
    }

    private double loss(Tensor z, float[] targets, double scale, @Nullable Tensor dz, Term value, Term derivative) {
        int n = z.cols();
        double[] losses = new double[z.rows()];
        rows.run(z, (r, a, b, c) -> {
            z.read(r, 0, a, 0, n);
            for (int i = 0; i < n; i++) {
                double t = targets[r * n + i];
                losses[r] += value.of(a[i], t) / n;
                b[i] = (float) (scale * derivative.of(a[i], t) / n);
            }
            if (dz != null) {
                dz.write(r, 0, b, 0, n);
            }
        });
        return Arrays.stream(losses).sum();
    }
}
