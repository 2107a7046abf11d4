package dev.peft4j.core.autograd;

import dev.peft4j.core.error.WrongUseException;
import dev.peft4j.core.tensor.Tensor;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A value that follows from parameters, kept from pass to pass as long as they do not change: a change of a weight, a rotation. Passes that record or train
 * compute it themselves, since the parameters change behind each of them.
 *
 * <p>It has native memory of its own, which whoever owns the parameters frees by {@link #close}. Many threads may ask for it: one computes, the others wait. A
 * value that has become stale is freed when the last pass that uses it is closed.
 */
public final class KeptValue implements AutoCloseable {
    private @Nullable Kept kept;
    private boolean closed;

    /**
     * What was computed.
     *
     * @param version of what it follows from
     * @param lease who uses it
     */
    private record Kept(Tensor value, long version, Lease lease) {}

    /** Whether a pass may use a value of an earlier one. */
    public static boolean serves(Pass pass) {
        return !pass.isRecording() && !pass.isTraining();
    }

    /** A number that is another one after any of these parameters has changed. */
    public static long version(List<Parameter> parameters) {
        long sum = 0;
        for (Parameter p : parameters) {
            sum += p.value().version();
        }
        return sum;
    }

    /**
     * The value, which must not be changed, until the pass is closed.
     *
     * @param pass one that it {@link #serves}
     * @param version of what it follows from, see {@link #version}; the value is computed again when it is another one than before
     * @param compute gives the value in memory of the pass
     * @throws WrongUseException if it is closed
     */
    public synchronized Tensor get(Pass pass, long version, Supplier<Tensor> compute) {
        if (closed) {
            throw new WrongUseException("a value of an adapter was asked for after the adapter was closed. Close it"
                    + " when nothing uses it any more.");
        }
        Kept found = kept;
        if (found == null || found.version() != version) {
            free();
            int mark = pass.begin();
            Tensor computed = compute.get();
            found = new Kept(computed.copy(computed.dtype()), version, new Lease("a value of an adapter"));
            pass.end(mark);
            kept = found;
        }
        pass.use(found.lease());
        return found.value();
    }

    /** Frees the value; the next one is computed again. */
    public synchronized void free() {
        Kept old = kept;
        kept = null;
        if (old != null) {
            old.lease().close(old.value()::close);
        }
    }

    /** Frees the value for good. */
    @Override
    public synchronized void close() {
        closed = true;
        free();
    }
}
