package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.Cancellation;
import dev.peft4j.Dataset;
import dev.peft4j.FineTuned;
import dev.peft4j.TextModel;
import dev.peft4j.Training;
import dev.peft4j.core.error.BadFileException;
import dev.peft4j.core.tensor.Tensor;
import dev.peft4j.core.train.TrainingListener;
import dev.peft4j.lora.LoraConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Runs that are stopped: by a handle, by an interrupt, by a future; and how they go on. */
@ExtendWith(SettledMemory.Each.class)
class StoppedTrainingTest {
    private static final LoraConfig LORA = LoraConfig.of(4, 8);
    private static final int STEPS = 12;

    @TempDir
    Path dir;

    private TextModel model;
    private final Dataset data = Dataset.of(TinyModels.sentences(40));

    @BeforeEach
    void open() throws IOException {
        model = TextModel.open(TinyModels.llama(dir.resolve("base")));
    }

    @AfterEach
    void close() {
        model.close();
    }

    private static Training training() {
        return Training.steps(STEPS).batchSize(4).learningRate(1e-2);
    }

    /** Does something behind a step. */
    private static TrainingListener at(int when, Runnable action) {
        return new TrainingListener() {
            @Override
            public void onStep(int step, double loss, double rate, double norm, int tokens, double seconds) {
                if (step == when) {
                    action.run();
                }
            }
        };
    }

    private byte[] tensors(String run) throws IOException {
        return Files.readAllBytes(dir.resolve(run).resolve("adapter_model.safetensors"));
    }

    /** A run that was stopped at step 3 goes on to the bits of one that was not. */
    private void goesOn(String run) throws IOException {
        assertTrue(Files.exists(dir.resolve(run).resolve("trainer_state.safetensors")));
        model.fineTune(LORA, data, training().outputDir(dir.resolve("whole"))).close();
        Training rest = training().outputDir(dir.resolve(run)).resume();
        try (FineTuned tuned = model.fineTune(LORA, data, rest)) {
            assertEquals(STEPS, tuned.report().result().steps());
        }
        assertArrayEquals(tensors("whole"), tensors(run));
        assertTrue(Files.size(dir.resolve(run).resolve("report.html")) > 1000);
        assertEquals(
                Files.readAllLines(dir.resolve("whole/log.jsonl")).size(),
                Files.readAllLines(dir.resolve(run).resolve("log.jsonl")).size());
    }

    @Test
    void a_handle_ends_a_run_behind_its_step() throws IOException {
        Cancellation cancellation = new Cancellation();
        Training t =
                training().outputDir(dir.resolve("a")).cancelWith(cancellation).listener(at(3, cancellation::cancel));
        try (FineTuned tuned = model.fineTune(LORA, data, t)) {
            assertEquals(3, tuned.report().result().steps());
            assertTrue(tuned.report().isInterrupted());
            assertTrue(tuned.report().toString().contains("3 steps, stopped from outside"));
        }
        goesOn("a");
        try (FineTuned tuned = model.fineTune(LORA, data, training().cancelWith(cancellation))) {
            assertEquals(0, tuned.report().result().steps(), "it was cancelled before");
        }
    }

    @Test
    void an_interrupt_ends_a_run_behind_its_step() throws IOException {
        Training t = training().outputDir(dir.resolve("a")).listener(at(3, () -> Thread.currentThread()
                .interrupt()));
        try (FineTuned tuned = model.fineTune(LORA, data, t)) {
            assertEquals(3, tuned.report().result().steps());
            assertTrue(tuned.report().isInterrupted());
        } finally {
            assertTrue(Thread.interrupted(), "the flag is left for the caller");
        }
        goesOn("a");
    }

    @Test
    void cancelling_its_future_ends_a_run_behind_its_step_and_frees_it() throws Exception {
        ExecutorService thread = Executors.newSingleThreadExecutor();
        model.fineTuneAsync(LORA, data, training(), thread).get().close(); // the thread has its working memory now
        long before = Tensor.nativeBytes();
        CountDownLatch reached = new CountDownLatch(1);
        CountDownLatch cancelled = new CountDownLatch(1);
        AtomicInteger steps = new AtomicInteger();
        Training t = training().outputDir(dir.resolve("a")).listener(at(3, () -> {
            reached.countDown();
            await(cancelled);
        }));
        t = t.listener(new TrainingListener() {
            @Override
            public void onStep(int step, double loss, double rate, double norm, int tokens, double seconds) {
                steps.set(step);
            }
        });
        CompletableFuture<FineTuned> future = model.fineTuneAsync(LORA, data, t, thread);
        await(reached);
        assertTrue(future.cancel(true));
        cancelled.countDown();
        thread.shutdown();
        assertTrue(thread.awaitTermination(1, TimeUnit.MINUTES));
        assertThrows(CancellationException.class, future::get);
        assertEquals(3, steps.get());
        assertEquals(before, Tensor.nativeBytes());
        goesOn("a");
    }

    private static void await(CountDownLatch latch) {
        try {
            assertTrue(latch.await(1, TimeUnit.MINUTES));
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void a_future_gives_what_was_trained_or_what_went_wrong() throws Exception {
        ExecutorService thread = Executors.newSingleThreadExecutor();
        try {
            Training whole = training().outputDir(dir.resolve("a"));
            String steps = model.fineTuneAsync(LORA, data, whole, thread)
                    .thenApply(tuned -> {
                        try (tuned) {
                            return tuned.report().toString();
                        }
                    })
                    .get(1, TimeUnit.MINUTES);
            assertTrue(steps.contains("12 steps;"), steps);
            Throwable cause = assertThrows(
                            ExecutionException.class,
                            () -> model.fineTuneAsync(LORA, data, whole, thread).get(1, TimeUnit.MINUTES))
                    .getCause();
            assertTrue(cause instanceof BadFileException, () -> String.valueOf(cause));
            assertTrue(String.valueOf(cause.getMessage()).contains("overwrite()"), cause::getMessage);
        } finally {
            thread.shutdown();
        }
    }
}
