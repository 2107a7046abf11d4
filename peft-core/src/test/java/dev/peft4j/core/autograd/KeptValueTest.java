package dev.peft4j.core.autograd;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.SettledMemory;
import dev.peft4j.core.tensor.Arena;
import dev.peft4j.core.tensor.Backend;
import dev.peft4j.core.tensor.DType;
import dev.peft4j.core.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(SettledMemory.Each.class)
class KeptValueTest {
    private final Arena arena = new Arena(DType.F32);
    private final Parameter parameter = new Parameter("w", Tensor.of(DType.F32, 1, 2, 3, 4), 1, 2);
    private final KeptValue kept = new KeptValue();
    private final AtomicInteger computed = new AtomicInteger();

    @AfterEach
    void close() {
        kept.close();
        parameter.close();
        arena.close();
    }

    /** Twice the parameter. */
    private Tensor value(Pass pass) {
        return kept.get(pass, KeptValue.version(List.of(parameter)), () -> {
            computed.incrementAndGet();
            Tensor twice = pass.allocate(1, 2);
            pass.backend().kernels().add(parameter.value(), parameter.value(), twice);
            return twice;
        });
    }

    private float[] inNewPass() {
        try (Arena own = new Arena(DType.F32);
                Pass pass = Pass.inference(Backend.host(), own)) {
            return value(pass).toFloats();
        }
    }

    @Test
    void it_is_computed_once_until_the_parameter_changes() {
        assertArrayEquals(new float[] {6, 8}, inNewPass());
        assertArrayEquals(new float[] {6, 8}, inNewPass());
        assertEquals(1, computed.get());
        parameter.value().set(0, 1, 5);
        assertArrayEquals(new float[] {6, 10}, inNewPass());
        assertArrayEquals(new float[] {6, 10}, inNewPass());
        assertEquals(2, computed.get());
    }

    @Test
    void a_stale_value_lasts_until_the_pass_that_uses_it_is_closed() {
        Tensor old;
        try (Pass pass = Pass.inference(Backend.host(), arena)) {
            old = value(pass);
            assertSame(old, value(pass));
            parameter.value().set(0, 0, 1);
            assertNotSame(old, value(pass));
            assertArrayEquals(new float[] {6, 8}, old.toFloats());
        }
        assertThrows(IllegalStateException.class, old::toFloats);
    }

    @Test
    void its_memory_is_freed_with_it_and_it_cannot_come_back() {
        inNewPass();
        long before = Tensor.nativeBytes();
        kept.close();
        assertEquals(before - 2 * Float.BYTES, Tensor.nativeBytes());
        String message =
                assertThrows(IllegalStateException.class, this::inNewPass).getMessage();
        assertTrue(message.contains("after the adapter was closed"), message);
    }

    @Test
    void passes_that_record_or_train_have_no_part_in_it() {
        try (Pass pass = Pass.inference(Backend.host(), arena)) {
            assertTrue(KeptValue.serves(pass));
        }
        try (Pass pass = Pass.differentiable(Backend.host(), arena)) {
            assertFalse(KeptValue.serves(pass));
        }
        try (Pass pass = Pass.tracing(Backend.host(), arena, 1)) {
            assertFalse(KeptValue.serves(pass));
        }
    }

    @Test
    void of_many_threads_one_computes_it() throws InterruptedException, ExecutionException {
        ExecutorService threads = Executors.newFixedThreadPool(8);
        try {
            List<Future<float[]>> all = new ArrayList<>();
            for (int i = 0; i < 64; i++) {
                all.add(threads.submit(this::inNewPass));
            }
            for (Future<float[]> one : all) {
                assertArrayEquals(new float[] {6, 8}, one.get());
            }
            assertEquals(1, computed.get());
        } finally {
            threads.shutdown();
        }
    }
}
