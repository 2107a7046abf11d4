package dev.peft4j.core.tensor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.SettledMemory;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(SettledMemory.Each.class)
class ArenaTest {
    @Test
    void freed_places_are_used_again_and_neighbours_grow_together() {
        try (Arena arena = new Arena(DType.F32)) {
            Tensor a = arena.allocate(10, 16);
            Tensor b = arena.allocate(10, 16);
            Tensor c = arena.allocate(10, 16);
            arena.free(a);
            arena.free(b);
            Tensor both = arena.allocate(20, 16);
            assertEquals(a.address(), both.address());
            assertTrue(c.address() > both.address());
        }
    }

    @Test
    void a_second_free_is_an_error() {
        try (Arena arena = new Arena(DType.F32)) {
            Tensor a = arena.allocate(2, 2);
            arena.free(a);
            assertThrows(IllegalStateException.class, () -> arena.free(a));
        }
    }

    @Test
    void closing_gives_all_native_memory_back() {
        long before = Tensor.nativeBytes();
        try (Arena arena = new Arena(DType.F32)) {
            arena.allocate(5000, 5000);
            assertTrue(arena.capacity() >= 100_000_000);
            assertTrue(Tensor.nativeBytes() >= before + 100_000_000);
        }
        assertEquals(before, Tensor.nativeBytes());
    }

    @Test
    void views_share_memory_and_know_their_owner() {
        try (Tensor t = Tensor.of(DType.F32, 2, 3, 1, 2, 3, 4, 5, 6)) {
            Tensor last = t.columns(2, 1);
            assertEquals(6, last.get(1, 0));
            last.set(0, 0, 9);
            assertEquals(9, t.get(0, 2));
            assertTrue(last.sharesPlaceWith(t));
            assertFalse(last.isContiguous());
            assertThrows(IndexOutOfBoundsException.class, () -> t.columns(2, 2));
        }
    }

    @Test
    void too_large_a_tensor_is_refused_before_memory_is_taken() {
        long before = Tensor.nativeBytes();
        int most = Integer.MAX_VALUE;
        assertThrows(IllegalArgumentException.class, () -> Tensor.allocate(DType.F32, most, most));
        assertThrows(OutOfMemoryError.class, () -> Tensor.allocate(DType.F32, most, 1 << 13)); // 64 TiB
        assertEquals(before, Tensor.nativeBytes());
    }

    @Test
    void workers_run_every_row_once_and_pass_errors_on() {
        try (Workers workers = new Workers(3)) {
            AtomicInteger rows = new AtomicInteger();
            for (int i = 0; i < 100; i++) {
                workers.forRange(1000, 7, (from, to) -> rows.addAndGet(to - from));
            }
            assertEquals(100_000, rows.get());
            assertThrows(
                    ArrayStoreException.class,
                    () -> workers.forRange(100, 1, (from, to) -> {
                        throw new ArrayStoreException("row " + from);
                    }));
        }
    }
}
