package dev.peft4j.core.layer;

import dev.peft4j.core.autograd.Node;
import dev.peft4j.core.autograd.Pass;
import dev.peft4j.core.data.Targets;

/**
 * A loss as a function of logits and targets: of a head, or one that an application brings.
 *
 * <p>It is asked for some rows at a time, so it has to be a sum over rows.
 */
@FunctionalInterface
public interface LossFunction {
    /**
     * Computes the loss of some rows and, in a pass that can run backwards, adds the gradient of {@code scale · sum} to the logits ({@link Pass#addGrad}), or
     * records how.
     *
     * @param logits (n, outputs); may be overwritten
     * @param targets of the n rows: those that the head makes of the batch's, such as {@link Targets.Classes} for the next tokens
     * @param scale of the gradient
     * @return the sum over the rows, not scaled
     */
    double forward(Pass pass, Node logits, Targets targets, double scale);
}
