package dev.peft4j.onednn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.peft4j.core.tensor.Bf16;
import dev.peft4j.core.tensor.HostProducts.Format;
import dev.peft4j.core.tensor.HostProducts.Operand;
import dev.peft4j.core.tensor.HostProducts.Product;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.ShortPointer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Products against sums in double precision. */
class OneDnnTest {
    private static final int[] SIZES = {1, 2, 3, 8, 31, 32, 33, 64, 95, 130, 517};

    private final OneDnn library = new OneDnn();

    @BeforeEach
    void load() {
        library.load();
    }

    /** A matrix in memory, with columns behind those that are multiplied. */
    private static final class Matrix implements AutoCloseable {
        final int stride;
        final double[] values;
        final Pointer memory;

        Matrix(Format format, int rows, int cols, Random random) {
            stride = cols + 2 * random.nextInt(3);
            values = new double[rows * stride];
            for (int i = 0; i < values.length; i++) {
                values[i] = format == Format.INT8 ? random.nextInt(256) - 128 : (float) random.nextGaussian();
                if (format == Format.BF16) {
                    values[i] = Float.intBitsToFloat(Bf16.round(Float.floatToRawIntBits((float) values[i])) << 16);
                }
            }
            memory = switch (format) {
                case F32 -> {
                    FloatPointer p = new FloatPointer(values.length);
                    for (int i = 0; i < values.length; i++) {
                        p.put(i, (float) values[i]);
                    }
                    yield p;
                }
                case BF16 -> {
                    ShortPointer p = new ShortPointer(values.length);
                    for (int i = 0; i < values.length; i++) {
                        p.put(i, (short) (Float.floatToRawIntBits((float) values[i]) >>> 16));
                    }
                    yield p;
                }
                case INT8 -> {
                    BytePointer p = new BytePointer(values.length);
                    for (int i = 0; i < values.length; i++) {
                        p.put(i, (byte) values[i]);
                    }
                    yield p;
                }
            };
        }

        double at(boolean transposed, int row, int col) {
            return transposed ? values[col * stride + row] : values[row * stride + col];
        }

        Operand operand(boolean transposed) {
            return new Operand(memory.address(), stride, transposed);
        }

        @Override
        public void close() {
            memory.close();
        }
    }

    private static final class Memory implements AutoCloseable {
        private BytePointer block = new BytePointer(1);

        long address(long bytes) {
            if (block.capacity() < bytes + 64) {
                block.close();
                block = new BytePointer(bytes + 64);
            }
            return (block.address() + 63) & -64;
        }

        @Override
        public void close() {
            block.close();
        }
    }

    /** Computes a product and compares it; gives the bits of the result. */
    private int[] product(
            Format format, boolean ta, boolean tb, int m, int n, int k, double alpha, double beta, long seed) {
        Random random = new Random(seed);
        try (Matrix a = ta ? new Matrix(format, k, m, random) : new Matrix(format, m, k, random);
                Matrix b = tb ? new Matrix(format, n, k, random) : new Matrix(format, k, n, random);
                Memory memory = new Memory();
                IntPointer c = new IntPointer((long) m * (n + 3))) {
            int stride = n + 3;
            double[] expected = new double[m * stride];
            for (int i = 0; i < expected.length; i++) {
                expected[i] = format == Format.INT8 ? random.nextInt(100) : (float) random.nextGaussian();
                c.put(i, format == Format.INT8 ? (int) expected[i] : Float.floatToRawIntBits((float) expected[i]));
            }
            double magnitude = 0;
            for (int i = 0; i < m; i++) {
                for (int j = 0; j < n; j++) {
                    double sum = 0;
                    for (int l = 0; l < k; l++) {
                        sum += a.at(ta, i, l) * b.at(tb, l, j);
                    }
                    expected[i * stride + j] = alpha * sum + beta * expected[i * stride + j];
                    magnitude = Math.max(magnitude, Math.abs(expected[i * stride + j]));
                }
            }
            library.compute(
                    new Product(format, m, n, k, alpha, a.operand(ta), b.operand(tb), beta, c.address(), stride),
                    memory::address);
            int[] bits = new int[m * stride];
            c.get(bits);
            for (int i = 0; i < bits.length; i++) {
                double found = format == Format.INT8 ? bits[i] : Float.intBitsToFloat(bits[i]);
                double allowed = format == Format.INT8 || i % stride >= n ? 0 : 2e-6 * Math.sqrt(k) * (1 + magnitude);
                assertEquals(
                        expected[i],
                        found,
                        allowed,
                        () -> String.format(
                                Locale.ROOT,
                                "%s %d x %d x %d, transposed %b %b, %.2f, %.0f, seed %d",
                                format,
                                m,
                                n,
                                k,
                                ta,
                                tb,
                                alpha,
                                beta,
                                seed));
            }
            return bits;
        }
    }

    @ParameterizedTest
    @EnumSource(Format.class)
    void products_of_all_sizes_strides_and_transpositions_are_right(Format format) {
        assumeTrue(library.has(format), "this processor has no instructions for " + format);
        Random random = new Random(17);
        for (int m : SIZES) {
            for (int n : SIZES) {
                for (boolean ta : new boolean[] {false, true}) {
                    for (boolean tb : new boolean[] {false, true}) {
                        int k = SIZES[random.nextInt(SIZES.length)];
                        double alpha = format != Format.INT8 && random.nextBoolean() ? 0.37 : 1;
                        product(format, ta, tb, m, n, k, alpha, random.nextInt(2), random.nextLong());
                    }
                }
            }
        }
    }

    @Test
    void what_a_processor_has_is_told() {
        assertTrue(library.has(Format.F32));
        assertTrue(
                library.load().matches("oneDNN \\d+\\.\\d+ \\((AVX2|AVX2-VNNI|AVX-512|AVX512-VNNI|AVX512-BF16|AMX)\\)"),
                library.load());
        assertFalse(new OneDnn().has(Format.F32), "one that is not loaded has nothing");
    }

    @Test
    void products_of_low_rank_and_of_few_rows_are_its_own() {
        assertEquals(256, library.faster(false, true, 256, 8, 768), "x Aᵀ");
        assertEquals(256, library.faster(false, true, 270, 8, 768), "x Aᵀ but for what pieces leave over");
        assertEquals(256, library.faster(false, false, 256, 8, 768), "dy B");
        assertEquals(256, library.faster(true, false, 768, 8, 256), "dB = dyᵀ h");
        assertEquals(256, library.faster(true, false, 8, 768, 287), "dA = dhᵀ x");
        assertEquals(9, library.faster(false, true, 9, 768, 768), "nine rows and a weight");
        assertEquals(0, library.faster(false, true, 31, 8, 768), "less than a piece");
        assertEquals(0, library.faster(false, true, 33, 768, 768), "rows that would be cut");
        assertEquals(0, library.faster(false, true, 512, 768, 768));
        assertEquals(0, library.faster(false, true, 512, 768, 8), "h Bᵀ");
        assertEquals(0, library.faster(false, true, 1, 768, 768), "one row");
        assertEquals(128, library.faster(false, true, 128, 256, 64), "q kᵀ");
        assertEquals(64, library.faster(false, false, 64, 64, 128), "weights v");
        assertEquals(64, library.faster(true, false, 128, 64, 64), "weightsᵀ dy");
        assertEquals(0, library.faster(false, true, 128, 250, 64), "keys that are not even");
        assertEquals(0, library.faster(false, true, 50, 256, 64), "queries that would be cut");
    }

    @Test
    void products_that_copy_an_operand_are_cut_into_few_pieces() {
        assertEquals(List.of(512, 256, 128, 64, 32, 16, 8, 7), pieces(Format.F32, 1023));
        assertEquals(List.of(512, 448, 32, 16, 8, 7), pieces(Format.BF16, 1023));
        assertEquals(List.of(512, 512), pieces(Format.INT8, 1024));
        assertEquals(List.of(32, 8, 3), pieces(Format.BF16, 43));
    }

    private static List<Integer> pieces(Format format, int all) {
        List<Integer> found = new ArrayList<>();
        for (int left = all; left > 0; left -= found.get(found.size() - 1)) {
            found.add(Primitives.piece(format, left));
        }
        return found;
    }

    @Test
    void many_threads_get_the_same_bits_and_more_shapes_than_are_kept() throws Exception {
        List<Callable<int[]>> tasks = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            tasks.add(() -> {
                for (int shape = 0; shape < 600; shape++) {
                    product(Format.F32, false, true, 2, 3, 65 + shape, 1, 0, shape);
                }
                return product(Format.F32, false, true, 333, 8, 200, 2, 1, 5);
            });
        }
        ExecutorService pool = Executors.newFixedThreadPool(3);
        try {
            List<Future<int[]>> all = pool.invokeAll(tasks);
            for (Future<int[]> one : all) {
                assertArrayEquals(all.get(0).get(), one.get());
            }
        } finally {
            pool.shutdown();
        }
    }

    @Test
    void threads_of_openmp_stay_as_the_application_has_set_them_and_are_not_used() throws Exception {
        assumeTrue(NativeThreads.canBeCounted(), "native threads are counted on Linux");
        AtomicInteger after = new AtomicInteger();
        AtomicLong limited = new AtomicLong();
        AtomicLong free = new AtomicLong();
        Thread thread = new Thread(
                () -> {
                    OpenMp.setThreads(3);
                    product(Format.F32, false, true, 512, 64, 768, 1, 0, 3);
                    after.set(OpenMp.threads());
                    limited.set(NativeThreads.named("omp-caller"));
                    withoutLimit();
                    free.set(NativeThreads.named("omp-caller"));
                },
                "omp-caller");
        thread.start();
        thread.join();
        assertEquals(3, after.get());
        assertEquals(1, limited.get(), "threads that OpenMP makes are called as the one that they are for");
        assertEquals(3, free.get(), "they would be seen");
    }

    /** A product as oneDNN computes it when nobody says otherwise. */
    private static void withoutLimit() {
        Random random = new Random(9);
        try (Matrix a = new Matrix(Format.F32, 512, 768, random);
                Matrix b = new Matrix(Format.F32, 64, 768, random);
                Memory memory = new Memory();
                FloatPointer c = new FloatPointer(512 * 64)) {
            Product product =
                    new Product(Format.F32, 512, 64, 768, 1, a.operand(false), b.operand(true), 0, c.address(), 64);
            Primitives.ofThisThread().compute(product, memory::address);
        }
    }

    @Test
    void rounding_is_to_the_nearest_even_number() {
        int[] bits = {0x3f808000, 0x3f818000, 0x3f808001, 0xbf807fff, 0x00000000, 0x7f800000};
        assertArrayEquals(
                new int[] {0x3f80, 0x3f82, 0x3f81, 0xbf80, 0, 0x7f80},
                Arrays.stream(bits).map(Bf16::round).toArray());
    }
}
