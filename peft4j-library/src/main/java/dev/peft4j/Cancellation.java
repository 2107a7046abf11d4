package dev.peft4j;

import java.util.ArrayList;
import java.util.List;

/**
 * Ends a run, or several, from another thread: each ends behind the step that it is in, keeps its state if it has a directory, and returns what it has. Give it
 * to a run with {@link Training#cancelWith}.
 */
public final class Cancellation {
    private boolean cancelled;
    private final List<Runnable> actions = new ArrayList<>();

    /** Nothing is cancelled yet. */
    public Cancellation() {}

    /** Ends the runs that have this, and those that will begin with it. */
    public void cancel() {
        List<Runnable> all;
        synchronized (this) {
            cancelled = true;
            all = List.copyOf(actions);
        }
        all.forEach(Runnable::run);
    }

    /** Whether {@link #cancel} was called. */
    public synchronized boolean isCancelled() {
        return cancelled;
    }

    /** Does something when it is cancelled: at once, if it is. */
    void onCancel(Runnable action) {
        synchronized (this) {
            if (!cancelled) {
                actions.add(action);
                return;
            }
        }
        action.run();
    }

    /** Forgets what was to be done. */
    synchronized void forget(Runnable action) {
        actions.remove(action);
    }
}
