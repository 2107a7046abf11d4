package dev.peft4j;

import dev.peft4j.core.error.NonFiniteException;

/** What outputs of a head mean. */
final class Probabilities {
    private Probabilities() {}

    static double[] softmax(double[] logits) {
        requireFinite(logits);
        double most = logits[best(logits)];
        double sum = 0;
        double[] p = new double[logits.length];
        for (int i = 0; i < p.length; i++) {
            p[i] = Math.exp(logits[i] - most);
            sum += p[i];
        }
        for (int i = 0; i < p.length; i++) {
            p[i] /= sum;
        }
        return p;
    }

    static double[] sigmoid(double[] logits) {
        requireFinite(logits);
        double[] p = new double[logits.length];
        for (int i = 0; i < p.length; i++) {
            p[i] = 1 / (1 + Math.exp(-logits[i]));
        }
        return p;
    }

    /** What is not finite would be an answer without a word. */
    private static void requireFinite(double[] logits) {
        for (double logit : logits) {
            if (!Double.isFinite(logit)) {
                throw new NonFiniteException("the logits of a prediction");
            }
        }
    }

    /** The place of the greatest, the first of equal ones. */
    static int best(double[] values) {
        int best = 0;
        for (int i = 1; i < values.length; i++) {
            best = values[i] > values[best] ? i : best;
        }
        return best;
    }
}
