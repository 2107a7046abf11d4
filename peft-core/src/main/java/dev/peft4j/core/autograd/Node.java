package dev.peft4j.core.autograd;

import dev.peft4j.core.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** A value in a pass and, while the pass runs backwards, the gradient of the loss by it. */
public final class Node {
    private final Tensor value;
    private final @Nullable Parameter parameter;
    private boolean tracked;

    @Nullable
    Tensor grad;

    boolean produced; // whether an operation on the tape made it

    Node(Tensor value, @Nullable Parameter parameter) {
        this.value = value;
        this.parameter = parameter;
        this.tracked = parameter != null && parameter.isTrainable();
    }

    /** (rows, cols). */
    public Tensor value() {
        return value;
    }

    /** Whether something trainable went into it, so that its gradient is needed. */
    public boolean isTracked() {
        return tracked;
    }

    void track() {
        tracked = true;
    }

    @Nullable
    Parameter parameter() {
        return parameter;
    }

    /** Whether a gradient has reached this node. */
    public boolean hasGrad() {
        return parameter != null || grad != null;
    }

    /**
     * The gradient that has reached this node; for a parameter, the sum over passes.
     *
     * @throws IllegalStateException if none has
     */
    public Tensor grad() {
        if (parameter != null) {
            return parameter.grad();
        }
        Tensor g = grad;
        if (g == null) {
            throw new IllegalStateException("no gradient has reached a node of " + value);
        }
        return g;
    }
}
