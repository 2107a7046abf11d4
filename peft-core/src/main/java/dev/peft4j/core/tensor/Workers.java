package dev.peft4j.core.tensor;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A few threads that share the rows of one operation with the calling thread. Regions are tens of microseconds long, so an idle
 * worker spins for a moment before it sleeps. While one caller uses the workers, others run their regions alone.
 */
final class Workers implements AutoCloseable {
    /** A part of an operation: the rows from {@code from} to {@code to}. */
    interface Range {
        void run(int from, int to);
    }

    private static final int SPINS = 20_000; // about a third of a millisecond

    private final int threads;
    private final ReentrantLock caller = new ReentrantLock();
    private final Thread[] workers;
    private volatile @Nullable Job job;
    private volatile boolean closed;

    Workers(int threads) {
        this.threads = threads;
        workers = new Thread[threads - 1];
        CountDownLatch ready = new CountDownLatch(workers.length);
        for (int i = 0; i < workers.length; i++) {
            workers[i] = new Thread(() -> begin(ready), "peft4j-worker-" + i);
            workers[i].setDaemon(true);
        }
        try {
            for (Thread worker : workers) {
                worker.start();
            }
        } catch (Error e) { // the system has no more threads
            close();
            throw e;
        }
        while (ready.getCount() > 0) {
            Thread.onSpinWait();
        }
    }

    /** Takes the working memory of this thread before there is work, so that the steps of a run do not take it at some time. */
    private void begin(CountDownLatch ready) {
        try {
            AttentionScratch.get();
            HostMatrixEngine.workingMemory(1);
        } finally {
            ready.countDown();
        }
        try {
            work();
        } finally {
            AttentionScratch.free();
            HostMatrixEngine.freeWorkingMemory();
        }
    }

    int threads() {
        return threads;
    }

    /** Runs the body over 0 to n in pieces of {@code grain}, the same ones whoever computes them; returns when all are done. */
    void forRange(int n, int grain, Range body) {
        if (n <= grain || workers.length == 0 || caller.isHeldByCurrentThread() || !caller.tryLock()) {
            for (int from = 0, to; from < n; from = to) {
                to = from + Math.min(n - from, grain);
                body.run(from, to);
            }
            return;
        }
        try {
            Job j = new Job(n, grain, body);
            job = j;
            for (int i = 0; i < Math.min(workers.length, j.pieces - 1); i++) {
                LockSupport.unpark(workers[i]);
            }
            j.work();
            while (j.finished.get() < j.pieces) {
                Thread.onSpinWait();
            }
            job = null;
            if (j.failure instanceof RuntimeException e) {
                throw e;
            }
            if (j.failure instanceof Error e) {
                throw e;
            }
        } finally {
            caller.unlock();
        }
    }

    private void work() {
        Job last = null;
        int idle = 0;
        while (!closed) {
            Job j = job;
            if (j != null && j != last) {
                last = j;
                j.work();
                idle = 0;
            } else if (++idle < SPINS) {
                Thread.onSpinWait();
            } else {
                last = null;
                LockSupport.park(this);
                idle = 0;
            }
        }
    }

    /** Ends the threads and waits for them; regions that are run from now on are run by their callers alone. */
    @Override
    public void close() {
        closed = true;
        for (Thread worker : workers) {
            LockSupport.unpark(worker);
        }
        boolean interrupted = false;
        for (Thread worker : workers) {
            while (worker.isAlive()) {
                try {
                    worker.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private static final class Job {
        final int n;
        final int grain;
        final int pieces;
        final Range body;
        final AtomicInteger next = new AtomicInteger();
        final AtomicInteger finished = new AtomicInteger();
        volatile @Nullable Throwable failure;

        Job(int n, int grain, Range body) {
            this.n = n;
            this.grain = grain;
            this.pieces = (n + grain - 1) / grain;
            this.body = body;
        }

        void work() {
            int piece;
            while ((piece = next.getAndIncrement()) < pieces) {
                try {
                    body.run(piece * grain, Math.min(n, piece * grain + grain));
                } catch (RuntimeException | Error e) {
                    failure = e;
                } finally {
                    finished.incrementAndGet();
                }
            }
        }
    }
}
