package dev.peft4j;

import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A run on a thread of an executor. */
interface FutureRun {
    /** Does it, on that thread. */
    FineTuned with(Training training) throws IOException;

    /** Begins it; what was trained is closed here if nobody waits for it any more. */
    static CompletableFuture<FineTuned> start(FutureRun run, Training training, Executor executor) {
        CompletableFuture<FineTuned> future = new CompletableFuture<>();
        Cancellation cancellation = new Cancellation();
        var unused = future.whenComplete((tuned, error) -> cancellation.cancel()); // from outside, if it still runs
        executor.execute(() -> {
            if (future.isDone()) {
                return;
            }
            try {
                FineTuned tuned = run.with(training.cancelWith(cancellation));
                if (!future.complete(tuned)) {
                    tuned.close();
                }
            } catch (IOException | RuntimeException | Error e) {
                if (!future.completeExceptionally(e)) {
                    Logger log = LoggerFactory.getLogger(TextModel.class);
                    log.warn("a run that was cancelled ended with an error", e);
                }
            }
        });
        return future;
    }
}
