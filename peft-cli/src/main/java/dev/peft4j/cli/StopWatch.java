package dev.peft4j.cli;

import java.util.Arrays;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Takes the time of steps, the first of which does not count.
 *
 * @param steps that count
 * @param timer that tells where the time goes; null if nobody asks
 */
record StopWatch(int steps, @Nullable BackendTimer timer) {
    /** Seconds of each step that counts; steps have numbers from 0. */
    double[] seconds(IntConsumer step) {
        double[] seconds = new double[steps + 1];
        for (int i = 0; i <= steps; i++) {
            if (timer != null && i == 1) {
                timer.reset();
            }
            long start = System.nanoTime();
            step.accept(i);
            seconds[i] = (System.nanoTime() - start) / 1e9;
        }
        if (timer != null) {
            timer.stop();
        }
        return Arrays.copyOfRange(seconds, 1, seconds.length);
    }
}
