package dev.peft4j.core.layer;

import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.data.Targets;
import dev.peft4j.core.tensor.Tensor;

/**
 * The loss of spans: of each sequence the mean of two cross entropies, {@code -log softmax(z)[first]} over the first column of its tokens and
 * {@code -log softmax(z)[last]} over the second.
 *
 * <p>Devlin et al. 2019, <a href="https://arxiv.org/abs/1810.04805">paper</a>, section 4.2.
 */
final class SpanLoss {
    private static final int ENDS = 2;

    private SpanLoss() {}

    /** logits (T, 2). */
    static double forward(Pass pass, Node logits, Targets.RowSpans spans, double scale) {
        double[] z = logits.value().toDoubles();
        double[] dz = new double[z.length];
        double sum = 0;
        for (int s = 0; s < spans.count(); s++) {
            if (spans.first()[s] != Targets.IGNORE) {
                int from = spans.starts()[s];
                int to = spans.starts()[s + 1];
                sum += crossEntropy(z, dz, 0, from, to, spans.first()[s], scale / ENDS);
                sum += crossEntropy(z, dz, 1, from, to, spans.last()[s], scale / ENDS);
            }
        }
        if (pass.isRecording() && logits.isTracked()) {
            Tensor grad = pass.allocate(logits.value().rows(), ENDS);
            grad.set(dz);
            pass.addGrad(logits, grad);
        }
        return sum / ENDS;
    }

    /** Of one column over the rows of a sequence; dz gets {@code scale · (softmax - 1 at the target)}. */
    private static double crossEntropy(
            double[] z, double[] dz, int column, int from, int to, int target, double scale) {
        double max = Double.NEGATIVE_INFINITY;
        for (int r = from; r < to; r++) {
            max = Math.max(max, z[ENDS * r + column]);
        }
        double sum = 0;
        for (int r = from; r < to; r++) {
            sum += Math.exp(z[ENDS * r + column] - max);
        }
        for (int r = from; r < to; r++) {
            dz[ENDS * r + column] = scale * Math.exp(z[ENDS * r + column] - max) / sum;
        }
        dz[ENDS * target + column] -= scale;
        return Math.log(sum) + max - z[ENDS * target + column];
    }
}
