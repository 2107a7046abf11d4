package dev.peft4j.core.autograd;

/**
 * Who uses something that owns native memory: a model, an adapter. Closing it ends new uses at once, and frees the memory when the last pass that
 * uses it is closed, so that no thread reads memory which another one has freed.
 */
public final class Lease {
    private final String what;
    private final Runnable free;
    private int users;
    private boolean closed;

    /**
     * For something that is open.
     *
     * @param what it is, for messages: "the llama model"
     * @param free frees its memory; called once
     */
    public Lease(String what, Runnable free) {
        this.what = what;
        this.free = free;
    }

    /** Begins a use, to be ended by {@link #release}; false if it is closed. */
    public synchronized boolean tryAcquire() {
        if (closed) {
            return false;
        }
        users++;
        return true;
    }

    /**
     * Begins a use, to be ended by {@link #release}.
     *
     * @throws IllegalStateException if it is closed
     */
    public void acquire() {
        if (!tryAcquire()) {
            throw new IllegalStateException(
                    what + " was used after it was closed. Close it when nothing uses it any more.");
        }
    }

    /** Ends a use. */
    public synchronized void release() {
        if (--users == 0 && closed) {
            free.run();
        }
    }

    /** Ends new uses; the memory is freed at once, or at the end of the last use. */
    public synchronized void close() {
        if (!closed) {
            closed = true;
            if (users == 0) {
                free.run();
            }
        }
    }

    /** Whether it is closed. */
    public synchronized boolean isClosed() {
        return closed;
    }

    /** Uses at the moment. */
    public synchronized int users() {
        return users;
    }
}
