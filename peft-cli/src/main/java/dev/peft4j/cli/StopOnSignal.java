package dev.peft4j.cli;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Ends a run in good order when the process is told to end (Ctrl-C, SIGTERM): it is asked to stop, and the process waits until everything is saved.
 *
 * <p>Opened before everything that has to be saved or closed, so that it is closed last.
 */
final class StopOnSignal implements AutoCloseable {
    private static final long PATIENCE = 60; // seconds

    private volatile Runnable stop = () -> {};
    private final CountDownLatch saved = new CountDownLatch(1);
    private final Thread hook = new Thread(this::end, "peft4j-stop");
    private volatile boolean running;

    StopOnSignal() {
        Runtime.getRuntime().addShutdownHook(hook);
    }

    /** From now on there is something to save; before, the process just ends. */
    void whenAsked(Runnable action) {
        stop = action;
        running = true;
    }

    private void end() {
        if (!running) {
            return;
        }
        stop.run();
        try {
            saved.await(PATIENCE, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        saved.countDown();
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            running = false; // the process is ending
        }
    }
}
