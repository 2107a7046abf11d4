package dev.peft4j.cli;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.Arrays;
import java.util.function.IntConsumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Takes the time of steps, the first of which does not count.
 *
 * @param steps that count
 * @param timer that tells where the time goes; null if nobody asks
 * @param clock in nanoseconds
 */
record StopWatch(int steps, @Nullable BackendTimer timer, LongSupplier clock) {
    /** With the clock on the wall. */
    StopWatch(int steps, @Nullable BackendTimer timer) {
        this(steps, timer, System::nanoTime);
    }

    /** With the time that the calling thread has a processor, which does not count how long others have it. */
    static StopWatch ofThisThread(int steps) {
        ThreadMXBean threads = ManagementFactory.getThreadMXBean();
        return new StopWatch(steps, null, threads::getCurrentThreadCpuTime);
    }

    /** Seconds of each step that counts; steps have numbers from 0. */
    double[] seconds(IntConsumer step) {
        double[] seconds = new double[steps + 1];
        for (int i = 0; i <= steps; i++) {
            if (timer != null && i == 1) {
                timer.reset();
            }
            long start = clock.getAsLong();
            step.accept(i);
            seconds[i] = (clock.getAsLong() - start) / 1e9;
        }
        if (timer != null) {
            timer.stop();
        }
        return Arrays.copyOfRange(seconds, 1, seconds.length);
    }
}
