package dev.peft4j.core.autograd;

import dev.peft4j.core.error.BadInputException;
import dev.peft4j.core.error.WrongUseException;
import dev.peft4j.core.tensor.Tensor;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A named tensor that can be trained, with its gradient. Closing it frees both, unless the value was lent by someone else.
 */
public final class Parameter implements AutoCloseable {
    private final String name;
    private final Tensor value;
    private final int[] shape;
    private final boolean ownsValue;
    private volatile @Nullable Tensor grad;
    private boolean closed; // under the lock of this
    private boolean stale; // the gradient counts as zero, whatever its memory holds
    private volatile boolean trainable = true;

    /**
     * A parameter that owns its value.
     *
     * @param name as in files, without the name of the adapter
     * @param value (rows, cols)
     * @param shape the dimensions in files: two numbers, or one for a vector
     */
    public Parameter(String name, Tensor value, int... shape) {
        this(name, value, true, shape);
    }

    private Parameter(String name, Tensor value, boolean ownsValue, int... shape) {
        long size = 1;
        for (int n : shape) {
            size *= n;
        }
        if (size != value.size()) {
            throw new BadInputException(
                    name + ": " + value + " does not have the elements of a tensor of shape " + Arrays.toString(shape));
        }
        this.name = name;
        this.value = value;
        this.ownsValue = ownsValue;
        this.shape = shape.clone();
    }

    /** A parameter that trains a tensor in place which another object owns and closes. */
    public static Parameter lent(String name, Tensor value, int... shape) {
        return new Parameter(name, value, false, shape);
    }

    /** Whether it trains a tensor of the base in place. */
    public boolean isLent() {
        return !ownsValue;
    }

    public String name() {
        return name;
    }

    public Tensor value() {
        return value;
    }

    public int[] shape() {
        return shape.clone();
    }

    public long size() {
        return value.size();
    }

    /** Whether passes compute a gradient for it. */
    public boolean isTrainable() {
        return trainable;
    }

    public void setTrainable(boolean trainable) {
        this.trainable = trainable;
    }

    /** The gradient, summed over all backward passes since {@link #zeroGrad}. Its memory is taken at first use. */
    public Tensor grad() {
        Tensor g = grad;
        if (g == null) {
            g = takeGrad();
            g.fill(0);
        } else if (stale) {
            g.fill(0);
        }
        stale = false;
        return g;
    }

    /** Sets the gradient to zero. Its memory is only written by the next use. */
    public void zeroGrad() {
        stale = true;
    }

    /** Whether the gradient has to be added to; else it counts as zero and the caller overwrites all of it. */
    boolean claimGrad() {
        boolean add = grad != null && !stale;
        if (grad == null) {
            takeGrad();
        }
        stale = false;
        return add;
    }

    /** Memory for the gradient, with whatever it holds. */
    private synchronized Tensor takeGrad() {
        if (closed) {
            throw new WrongUseException("the gradient of " + this + " was asked for after the adapter or model that it"
                    + " belongs to was closed. Close them when nothing uses them any more.");
        }
        Tensor g = grad;
        if (g == null) {
            g = Tensor.allocate(value.dtype(), value.rows(), value.cols());
            grad = g;
        }
        return g;
    }

    @Override
    public synchronized void close() {
        closed = true;
        if (ownsValue) {
            value.close();
        }
        Tensor g = grad;
        if (g != null) {
            g.close();
        }
    }

    @Override
    public String toString() {
        return name + " " + Arrays.toString(shape);
    }
}
