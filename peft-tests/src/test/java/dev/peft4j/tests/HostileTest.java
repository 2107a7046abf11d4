package dev.peft4j.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.tensor.Tensor;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/**
 * Sixteen threads that use, train, exchange, merge, save, delete and close what the others are using, and finally the base. Whatever they meet is a right
 * result or an error that says what was closed; no memory is read after it was freed, and none is left.
 *
 * <p>{@code -Dpeft4j.hostile.seconds=60} does it for longer.
 */
@ExtendWith(SettledMemory.Each.class)
class HostileTest {
    private static final int THREADS = 16;
    private static final int ROUND_MILLISECONDS = 1500;

    @TempDir
    Path dir;

    @Test
    void whatever_is_closed_under_its_users_is_a_right_result_or_an_error() throws Exception {
        long seconds = Long.getLong("peft4j.hostile.seconds", 5);
        long seed = Long.getLong("peft4j.hostile.seed", System.nanoTime());
        System.out.println("hostile, seed " + seed);
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
        Map<String, Integer> done = new TreeMap<>();
        new HostileWorld(dir).close(); // this thread and the shared workers keep their working memory
        long before = Tensor.nativeBytes();
        for (int round = 0; round == 0 || System.nanoTime() < end; round++) {
            play(seed + round * 1000L, done);
            requireNativeBytes(before, "round " + round + ", seed " + seed);
        }
        System.out.println("hostile: " + done);
        assertTrue(done.size() > 2 * HostileWorld.ACTIONS.size() / 3, "too little happened: " + done);
    }

    private void play(long seed, Map<String, Integer> done) throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(THREADS);
        try (HostileWorld world = new HostileWorld(dir)) {
            List<Future<Map<String, Integer>>> all = new ArrayList<>();
            for (int t = 0; t < THREADS; t++) {
                HostilePlayer player = new HostilePlayer(world, seed + t, dir.resolve("own-" + t));
                all.add(threads.submit(player));
            }
            Thread.sleep(ROUND_MILLISECONDS);
            world.base.close(); // while all of them are at it
            Thread.sleep(50);
            world.stop = true;
            for (Future<Map<String, Integer>> one : all) {
                one.get(60, TimeUnit.SECONDS).forEach((name, n) -> done.merge(name, n, Integer::sum));
            }
        } finally {
            threads.shutdown();
            assertTrue(threads.awaitTermination(60, TimeUnit.SECONDS));
        }
    }

    /** The working memory of threads that have ended is freed by the garbage collector. */
    private static void requireNativeBytes(long expected, String when) throws InterruptedException {
        for (int i = 0; i < 100 && Tensor.nativeBytes() > expected; i++) {
            System.gc();
            Thread.sleep(50);
        }
        assertTrue(
                Tensor.nativeBytes() <= expected,
                Tensor.nativeBytes() + " bytes instead of " + expected + " after " + when);
    }

    @Test
    void a_result_that_was_read_is_not_that_of_another_pass() throws Exception {
        try (HostileWorld world = new HostileWorld(dir)) {
            float[] once = world.infer(List.of());
            assertArrayEquals(once, world.infer(List.of()));
            assertEquals(world.seeds(), world.expected.size());
        }
    }
}
