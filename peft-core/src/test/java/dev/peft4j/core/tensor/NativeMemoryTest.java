package dev.peft4j.core.tensor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.SettledMemory;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Memory lasts as long as somebody uses it, and not longer. */
@ExtendWith(SettledMemory.Each.class)
class NativeMemoryTest {
    private static void forgetTensors() {
        for (int i = 0; i < 50; i++) {
            Tensor.zeros(DType.F32, 100, 1000).rows(3, 2).fill(1);
        }
    }

    private static void forgetArenas() {
        for (int i = 0; i < 3; i++) {
            new Arena(DType.F32).allocate(100, 1000).fill(1);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void what_is_forgotten_is_freed_by_the_garbage_collector(boolean arenas) throws InterruptedException {
        long before = Tensor.nativeBytes();
        if (arenas) {
            forgetArenas();
        } else {
            forgetTensors();
        }
        assertTrue(Tensor.nativeBytes() >= before + 50 * 400_000, "it was taken");
        for (int i = 0; i < 200 && Tensor.nativeBytes() > before; i++) {
            System.gc();
            Thread.sleep(20);
        }
        assertTrue(Tensor.nativeBytes() <= before, Tensor.nativeBytes() + " bytes instead of " + before);
    }

    @Test
    void what_is_closed_is_freed_once_and_at_once() {
        long before = Tensor.nativeBytes();
        Tensor t = Tensor.zeros(DType.F32, 10, 10);
        assertEquals(before + 400, Tensor.nativeBytes());
        t.close();
        t.close();
        assertEquals(before, Tensor.nativeBytes());
    }

    @Test
    void memory_that_is_closed_during_a_use_is_freed_at_its_end() {
        long before = Tensor.nativeBytes();
        NativeMemory memory = new NativeMemory(DType.F32, 100, true, NativeBlock.Owner.TENSOR, "a test");
        memory.enter();
        memory.enter();
        memory.close();
        assertThrows(IllegalStateException.class, memory::enter);
        memory.leave();
        assertEquals(before + 400, Tensor.nativeBytes());
        memory.leave();
        assertEquals(before, Tensor.nativeBytes());
        memory.close();
        assertThrows(IllegalStateException.class, memory::enter);
        assertEquals(before, Tensor.nativeBytes());
    }

    @Test
    void values_that_do_not_fill_a_tensor_take_no_memory() {
        long before = Tensor.nativeBytes();
        String message =
                String.valueOf(assertThrows(IllegalArgumentException.class, () -> Tensor.of(DType.F32, 2, 3, 1, 2))
                        .getMessage());
        assertTrue(message.contains("2 values") && message.contains("(2, 3)"), message);
        assertEquals(before, Tensor.nativeBytes());
    }

    @Test
    void a_tensor_that_another_thread_closes_is_read_as_a_whole_or_refused() throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(3);
        try {
            for (int round = 0; round < 200; round++) {
                Tensor t = Tensor.zeros(DType.F32, 300, 1000);
                Tensor to = Tensor.zeros(DType.F32, 300, 1000);
                t.fill(7);
                List<Future<?>> all = new ArrayList<>();
                all.add(threads.submit(() -> read(t)));
                all.add(threads.submit(() -> copy(t, to)));
                all.add(threads.submit(t::close));
                for (Future<?> f : all) {
                    f.get(30, TimeUnit.SECONDS);
                }
                to.close();
            }
        } finally {
            threads.shutdown();
        }
    }

    private static void read(Tensor t) {
        try {
            for (int i = 0; i < 3; i++) {
                for (float v : t.toFloats()) {
                    assertEquals(7, v);
                }
                assertEquals(7, t.get(299, 999));
                Backend.host().kernels().sumOfSquares(t);
            }
        } catch (IllegalStateException e) {
            assertTrue(String.valueOf(e.getMessage()).contains("closed"), e.getMessage());
        }
    }

    private static void copy(Tensor from, Tensor to) {
        try {
            for (int i = 0; i < 3; i++) {
                to.copyFrom(from);
                Backend.host().kernels().add(from, to, to);
            }
        } catch (IllegalStateException e) {
            assertTrue(String.valueOf(e.getMessage()).contains("closed"), e.getMessage());
        }
    }
}
