package dev.peft4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.train.Schedule;
import dev.peft4j.core.train.TrainingConfig;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Settings by their names, and what ends a run. */
class TrainingTest {
    @Test
    void settings_are_those_of_the_loop() {
        TrainingConfig config = Training.epochs(2.5)
                .learningRate(2e-4)
                .batchSize(8)
                .accumulation(3)
                .groupByLength()
                .schedule(Schedule.COSINE, 0.2)
                .weightDecay(0.01)
                .maxGradNorm(0)
                .evaluation(50, 3)
                .seed(9)
                .config();
        assertEquals(
                TrainingConfig.builder()
                        .epochs(2.5)
                        .batchSize(8)
                        .groupByLength(true)
                        .accumulation(3)
                        .learningRate(2e-4)
                        .schedule(Schedule.COSINE)
                        .warmup(0.2)
                        .weightDecay(0.01)
                        .maxGradNorm(0)
                        .evaluation(50, 3)
                        .seed(9)
                        .build(),
                config);
        assertEquals(config.toBuilder().build(), config);
        assertEquals(TrainingConfig.of(300, 16, 1e-3), Training.steps(300).config());
    }

    @Test
    void changing_settings_leaves_the_old_ones() {
        Training one = Training.steps(10);
        Training two = one.outputDir(Path.of("a"))
                .featureCache(Path.of("b"))
                .resume()
                .checkpoints(5, Duration.ZERO)
                .maxLength(7)
                .classes(1);
        assertEquals(null, one.output().directory());
        assertEquals(new Training.Output(Path.of("a"), true, false, 5, Duration.ZERO, Path.of("b")), two.output());
        assertEquals(0, one.maxLength());
        assertEquals(7, two.seed(3).maxLength());
        assertEquals(1, two.overwrite().classes());
    }

    @Test
    void settings_out_of_range_are_refused_at_once() {
        assertThrows(IllegalArgumentException.class, () -> Training.steps(0));
        assertThrows(IllegalArgumentException.class, () -> Training.epochs(0));
        assertThrows(IllegalArgumentException.class, () -> Training.epochs(Double.POSITIVE_INFINITY));
        assertThrows(IllegalArgumentException.class, () -> Training.epochs(1).learningRate(0));
        assertThrows(IllegalArgumentException.class, () -> Training.epochs(1).maxLength(0));
        assertThrows(IllegalArgumentException.class, () -> Training.epochs(1).classes(0));
    }

    @Test
    void what_is_cancelled_stays_so() {
        Cancellation cancellation = new Cancellation();
        List<String> ended = new ArrayList<>();
        Runnable forgotten = () -> ended.add("forgotten");
        cancellation.onCancel(() -> ended.add("first"));
        cancellation.onCancel(forgotten);
        cancellation.forget(forgotten);
        cancellation.cancel();
        cancellation.onCancel(() -> ended.add("late"));
        assertTrue(cancellation.isCancelled());
        assertEquals(List.of("first", "late"), ended);
    }
}
