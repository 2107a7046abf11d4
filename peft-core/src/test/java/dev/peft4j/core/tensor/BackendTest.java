package dev.peft4j.core.tensor;

import static org.bytedeco.openblas.global.openblas_nolapack.blas_get_num_threads;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.SettledMemory;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Backends are objects: each has its own threads, and closing one is no matter of another. */
@ExtendWith(SettledMemory.Each.class)
class BackendTest {
    private static float[] compute(Backend backend) {
        try (Tensor a = random(300, 200);
                Tensor c = Tensor.zeros(DType.F32, 300, 300);
                Tensor sum = Tensor.zeros(DType.F32, 1, 300)) {
            backend.matrices().gemm(false, true, 1, a, a, 0, c);
            backend.kernels().activation(Activation.GELU_TANH, c, c);
            backend.kernels().addColumnSums(c, sum);
            return sum.toFloats();
        }
    }

    private static long threads() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(t -> t.getName().startsWith("peft4j-worker"))
                .count();
    }

    @Test
    void two_backends_with_other_numbers_of_threads_give_the_same_bits() {
        float[] shared = compute(Backend.host());
        try (Backend one = Backend.host(1);
                Backend three = Backend.host(3)) {
            assertArrayEquals(compute(one), compute(three));
            assertArrayEquals(shared, compute(three));
        }
    }

    @ParameterizedTest
    @CsvSource({
        "300, 300, 200",
        "7, 900, 333",
        "512, 768, 768",
        "130, 96, 33",
        "2, 768, 3072",
        "900, 16, 500",
        "1, 3000, 300"
    })
    void a_product_has_the_same_bits_on_any_number_of_threads(int m, int n, int k) {
        for (boolean transposeA : new boolean[] {false, true}) {
            for (boolean transposeB : new boolean[] {false, true}) {
                float[] expected = product(1, transposeA, transposeB, m, n, k);
                for (int threads : new int[] {2, 3, 8}) {
                    assertArrayEquals(expected, product(threads, transposeA, transposeB, m, n, k));
                }
            }
        }
    }

    private static float[] product(int threads, boolean transposeA, boolean transposeB, int m, int n, int k) {
        try (Backend backend = Backend.host(threads);
                Tensor a = random(transposeA ? k : m, transposeA ? m : k);
                Tensor b = random(transposeB ? n : k, transposeB ? k : n);
                Tensor c = Tensor.zeros(DType.F32, m, n)) {
            backend.matrices().gemm(transposeA, transposeB, 1, a, b, 0, c);
            return c.toFloats();
        }
    }

    private static Tensor random(int rows, int cols) {
        SplittableRandom random = new SplittableRandom(rows);
        Tensor t = Tensor.zeros(DType.F32, rows, cols);
        for (int i = 0; i < rows; i++) {
            for (int j = 0; j < cols; j++) {
                t.put(i, j, random.nextDouble(-1, 1));
            }
        }
        return t;
    }

    @ParameterizedTest
    @CsvSource({"1, 2", "2, 2", "3, 4", "4, 4", "6, 8", "16, 16", "17, 32"})
    void strips_follow_from_the_processors_of_the_machine(int processors, int strips) {
        assertEquals(strips, Strips.count(processors));
    }

    @Test
    void closing_one_ends_its_threads_and_no_others() {
        Backend.host();
        long before = threads();
        long bytes = Tensor.nativeBytes();
        Backend kept = Backend.host(2);
        Backend closed = Backend.host(4);
        float[] expected = compute(closed);
        assertEquals(before + 4, threads());
        closed.close();
        closed.close();
        assertEquals(before + 1, threads());
        String message = String.valueOf(
                assertThrows(IllegalStateException.class, () -> compute(closed)).getMessage());
        assertTrue(message.contains("backend") && message.contains("closed"), message);
        assertArrayEquals(expected, compute(kept));
        kept.close();
        assertEquals(before, threads());
        assertEquals(bytes, Tensor.nativeBytes());
    }

    @Test
    void the_shared_one_stays_open() {
        try (Backend host = Backend.host()) {
            compute(host);
        }
        compute(Backend.host());
    }

    @Test
    void one_that_is_closed_while_others_compute_ends_no_operation() throws Exception {
        ExecutorService callers = Executors.newFixedThreadPool(3);
        try {
            float[] expected = compute(Backend.host());
            for (int round = 0; round < 20; round++) {
                Backend backend = Backend.host(3);
                Future<?>[] all = new Future<?>[3];
                for (int i = 0; i < all.length; i++) {
                    all[i] = callers.submit(() -> {
                        try {
                            while (true) {
                                assertArrayEquals(expected, compute(backend));
                            }
                        } catch (IllegalStateException e) {
                            assertTrue(String.valueOf(e.getMessage()).contains("closed"), e.getMessage());
                        }
                    });
                }
                Thread.sleep(5);
                backend.close();
                for (Future<?> f : all) {
                    f.get(30, TimeUnit.SECONDS);
                }
            }
        } finally {
            callers.shutdown();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, -1, 1025})
    void a_number_of_threads_that_makes_no_sense_is_refused(int threads) {
        assertThrows(IllegalArgumentException.class, () -> Backend.host(threads));
    }

    @Test
    void the_threads_of_blas_are_what_they_were_when_the_last_backend_is_closed() {
        int before = blas_get_num_threads();
        try (Backend backend = Backend.host(2)) {
            assertEquals(1, blas_get_num_threads());
            compute(backend);
        }
        assertEquals(before, blas_get_num_threads());
    }
}
