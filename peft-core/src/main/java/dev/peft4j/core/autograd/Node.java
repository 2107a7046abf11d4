package dev.peft4j.core.autograd;

import dev.peft4j.core.error.WrongUseException;
import dev.peft4j.core.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** A value in a pass and, while the pass runs backwards, the gradient of the loss by it. */
public final class Node {
    private final Tensor value;
    private final @Nullable Parameter parameter;
    private final @Nullable Node whole; // the node whose rows this one shows
    private final int firstRow;
    private boolean tracked;

    @Nullable
    Tensor grad;

    boolean produced; // whether an operation on the tape made it

    Node(Tensor value, @Nullable Parameter parameter) {
        this.value = value;
        this.parameter = parameter;
        this.whole = null;
        this.firstRow = 0;
        this.tracked = parameter != null && parameter.isTrainable();
    }

    private Node(Node whole, int firstRow, int count) {
        this.value = whole.value.rows(firstRow, count);
        this.parameter = null;
        this.whole = whole;
        this.firstRow = firstRow;
    }

    /**
     * Some rows of this node: a view whose value and gradient are those of the rows, so that what is done to it is done to them.
     *
     * @param from first row
     * @param count number of rows
     */
    public Node rows(int from, int count) {
        return new Node(this, from, count);
    }

    /** Itself, or the node whose rows it shows. */
    Node root() {
        return whole == null ? this : whole.root();
    }

    boolean isView() {
        return whole != null;
    }

    /** (rows, cols). */
    public Tensor value() {
        return value;
    }

    /** Whether something trainable went into it, so that its gradient is needed. */
    public boolean isTracked() {
        return root().tracked;
    }

    void track() {
        root().tracked = true;
    }

    @Nullable
    Parameter parameter() {
        return parameter;
    }

    /** Whether a gradient has reached this node. */
    public boolean hasGrad() {
        Node r = root();
        return r.parameter != null || r.grad != null;
    }

    /**
     * The gradient that has reached this node; for a parameter, the sum over passes.
     *
     * @throws WrongUseException if none has
     */
    public Tensor grad() {
        if (whole != null) {
            return whole.grad().rows(firstRow, value.rows());
        }
        if (parameter != null) {
            return parameter.grad();
        }
        Tensor g = grad;
        if (g == null) {
            throw new WrongUseException("no gradient has reached a node of " + value);
        }
        return g;
    }
}
