package dev.peft4j.core.tensor;

import dev.peft4j.core.error.WrongUseException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.DoubleSupplier;
import org.jspecify.annotations.Nullable;

/**
 * What every operation of a backend goes through: the backend is open, the memory of the tensors lasts until the operation ends, and those that it writes
 * are marked as changed. Values of a pass are for its own thread. It costs about 50 ns an operation.
 */
final class Guard {
    static final @Nullable Tensor[] NONE = {};

    private final AtomicBoolean closed = new AtomicBoolean();

    /** The tensors of one operation; null where it has none. */
    static @Nullable Tensor[] tensors(@Nullable Tensor... all) {
        return all;
    }

    /** Ends all use of the backend; operations that have begun end as they should. False if it was closed before. */
    boolean close() {
        return closed.compareAndSet(false, true);
    }

    void requireOpen() {
        if (closed.get()) {
            throw new WrongUseException(
                    "an operation was begun on a backend that was closed. Close it when no model uses it any more,"
                            + " or use Backend.host(), which stays open.");
        }
    }

    /** Runs an operation without a result. */
    void run(Runnable operation, @Nullable Tensor[] read, @Nullable Tensor[] written) {
        get(
                () -> {
                    operation.run();
                    return 0;
                },
                read,
                written);
    }

    /**
     * Runs an operation.
     *
     * @throws WrongUseException if the backend or one of the tensors is closed
     */
    double get(DoubleSupplier operation, @Nullable Tensor[] read, @Nullable Tensor[] written) {
        requireOpen();
        int entered = 0;
        try {
            for (; entered < read.length + written.length; entered++) {
                Tensor t = at(entered, read, written);
                if (t != null) {
                    t.enterOwn();
                }
            }
            return operation.getAsDouble();
        } finally {
            while (entered > 0) {
                Tensor t = at(--entered, read, written);
                if (t != null) {
                    t.leave();
                    if (entered >= read.length) {
                        t.changed();
                    }
                }
            }
        }
    }

    private static @Nullable Tensor at(int i, @Nullable Tensor[] read, @Nullable Tensor[] written) {
        return i < read.length ? read[i] : written[i - read.length];
    }
}
