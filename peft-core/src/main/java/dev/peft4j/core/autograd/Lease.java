package dev.peft4j.core.autograd;

import dev.peft4j.core.error.WrongUseException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * Who uses something that owns native memory: a model, an adapter. Closing it ends new uses at once, and frees the memory when the last pass that
 * uses it is closed, so that no thread reads memory which another one has freed.
 */
public final class Lease {
    /** A use that ends when it is closed; closing it again does nothing. */
    @FunctionalInterface
    public interface Use extends AutoCloseable {
        @Override
        void close();
    }

    /** A use of what owns nothing. */
    static final Use NOTHING = () -> {};

    private final String what;
    private int users;
    private @Nullable Runnable free; // since it is closed

    /**
     * For something that is open.
     *
     * @param what it is, for messages: "the llama model"
     */
    public Lease(String what) {
        this.what = what;
    }

    /** Begins a use, to be ended by {@link #release}; false if it is closed. */
    public synchronized boolean tryAcquire() {
        if (free != null) {
            return false;
        }
        users++;
        return true;
    }

    /**
     * Begins a use, to be ended by {@link #release}.
     *
     * @throws WrongUseException if it is closed
     */
    public void acquire() {
        if (!tryAcquire()) {
            throw new WrongUseException(
                    what + " was used after it was closed. Close it when nothing uses it any more.");
        }
    }

    /**
     * Begins a use that ends when the result is closed.
     *
     * @throws WrongUseException if it is closed
     */
    public Use hold() {
        acquire();
        AtomicBoolean open = new AtomicBoolean(true);
        return () -> {
            if (open.getAndSet(false)) {
                release();
            }
        };
    }

    /**
     * Begins a use of several things, which ends when the result is closed.
     *
     * @throws WrongUseException if one of them is closed
     */
    public static Use all(Leased first, List<? extends Leased> others) {
        Deque<Use> uses = new ArrayDeque<>();
        Use all = () -> {
            while (!uses.isEmpty()) {
                uses.pop().close();
            }
        };
        try {
            uses.push(first.hold());
            others.forEach(o -> uses.push(o.hold()));
            return all;
        } catch (RuntimeException e) {
            all.close();
            throw e;
        }
    }

    /** Ends a use. */
    public synchronized void release() {
        Runnable action = free;
        if (--users == 0 && action != null) {
            action.run();
        }
    }

    /**
     * Ends new uses.
     *
     * @param action frees the memory: at once, or at the end of the last use, or not at all if it was closed before
     */
    public synchronized void close(Runnable action) {
        if (free == null) {
            free = action;
            if (users == 0) {
                action.run();
            }
        }
    }

    /** Whether it is closed. */
    public synchronized boolean isClosed() {
        return free != null;
    }

    /** Uses at the moment. */
    public synchronized int users() {
        return users;
    }
}
