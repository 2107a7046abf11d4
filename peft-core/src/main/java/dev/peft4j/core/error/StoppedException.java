package dev.peft4j.core.error;

import java.util.function.Supplier;

/**
 * The thread was interrupted before there was a result; it still is. Training is the exception: it returns what has been trained until then, and a file that is
 * being written is finished first.
 */
public final class StoppedException extends RuntimeException implements PeftFailure {
    private static final long serialVersionUID = 1L;

    /** With what was asked, and how far it came. */
    public StoppedException(String what) {
        super(what + ", and the thread " + Thread.currentThread().getName()
                + " was interrupted. Do it again when it has to be done.");
    }

    /**
     * Ends what this thread does if it has been interrupted.
     *
     * @param what was asked, as the beginning of a sentence
     */
    public static void ifInterrupted(String what) {
        if (Thread.currentThread().isInterrupted()) {
            throw new StoppedException(what);
        }
    }

    /** The same, where what was asked takes a moment to say: it is said only then. */
    public static void ifInterrupted(Supplier<String> what) {
        if (Thread.currentThread().isInterrupted()) {
            throw new StoppedException(what.get());
        }
    }
}
