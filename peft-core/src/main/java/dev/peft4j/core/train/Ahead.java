package dev.peft4j.core.train;

import dev.peft4j.core.data.Batch;
import dev.peft4j.core.data.Example;
import dev.peft4j.core.data.VariedImage;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Makes the images of the next batches while a step computes: at most two batches ahead, on two threads, which end with the run. The batches are those of
 * {@link Batches}, whatever the threads do. Where records are ready as they are, there are no threads.
 */
final class Ahead implements AutoCloseable {
    private static final int MOST = 2; // batches, so that memory does not grow with the accumulation of a step
    private static final int THREADS = 2;

    private final Batches batches;
    private final @Nullable ExecutorService threads;
    private final Deque<Integer> steps = new ArrayDeque<>(); // batches of the steps whose plans are made
    private final Deque<Supplier<Batch>> planned = new ArrayDeque<>();
    private final Deque<Future<Batch>> begun = new ArrayDeque<>();

    Ahead(Batches batches, List<? extends Example> records) {
        this.batches = batches;
        threads = records.stream().anyMatch(VariedImage.class::isInstance)
                ? Executors.newFixedThreadPool(THREADS, Ahead::thread)
                : null;
    }

    private static Thread thread(Runnable task) {
        Thread thread = new Thread(task, "peft4j-images");
        thread.setDaemon(true);
        return thread;
    }

    /**
     * The batches of the next step.
     *
     * @throws java.io.UncheckedIOException if the file of an image cannot be read any more
     */
    List<Batch> next() {
        ExecutorService pool = threads;
        if (pool == null) {
            return batches.next();
        }
        begin(pool);
        int count = steps.remove();
        List<Batch> step = new ArrayList<>();
        while (step.size() < count) {
            step.add(made(begun.remove()));
            begin(pool);
        }
        return step;
    }

    private void begin(ExecutorService pool) {
        while (begun.size() < MOST) {
            if (planned.isEmpty()) {
                List<Supplier<Batch>> plan = batches.plan();
                steps.add(plan.size());
                planned.addAll(plan);
            }
            begun.add(pool.submit(planned.remove()::get));
        }
    }

    /** Waits for a batch, also if the thread is interrupted meanwhile: it then still is, and the run ends before its next step. */
    private static Batch made(Future<Batch> batch) {
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return batch.get();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        } catch (ExecutionException e) {
            if (e.getCause() instanceof Error error) {
                throw error;
            }
            if (e.getCause() instanceof RuntimeException problem) {
                throw problem;
            }
            throw new AssertionError("making a batch throws nothing else", e);
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** Ends the threads; what they have begun is not waited for. */
    @Override
    public void close() {
        if (threads != null) {
            threads.shutdownNow();
        }
    }
}
