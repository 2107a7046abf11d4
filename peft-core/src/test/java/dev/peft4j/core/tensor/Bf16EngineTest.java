package dev.peft4j.core.tensor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.peft4j.core.SettledMemory;
import dev.peft4j.core.error.BadInputException;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Products of 16 bits: how operands are rounded, cut and given to a library. */
@ExtendWith(SettledMemory.Each.class)
class Bf16EngineTest {
    /** A matrix, and its elements as they are after rounding. */
    private record Matrix(Tensor tensor, float[] rounded) implements AutoCloseable {
        static Matrix of(int rows, int cols, Random random) {
            float[] values = new float[rows * cols];
            float[] rounded = new float[rows * cols];
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) random.nextGaussian();
                rounded[i] = Float.intBitsToFloat(Bf16.round(Float.floatToRawIntBits(values[i])) << 16);
            }
            return new Matrix(Tensor.of(DType.F32, rows, cols, values), rounded);
        }

        /** Its numbers one after another, an even number in each row. */
        NativeBytes packed() {
            int pairs = (tensor.cols() + 1) / 2;
            NativeBytes bytes = new NativeBytes((long) Integer.BYTES * pairs * tensor.rows());
            int[] bits = new int[2 * pairs];
            int[] packed = new int[pairs];
            for (int r = 0; r < tensor.rows(); r++) {
                tensor.readBits(r, 0, bits, tensor.cols());
                Bf16.pack(bits, tensor.cols(), packed);
                bytes.write((long) r * pairs, packed, pairs);
            }
            return bytes;
        }

        float at(boolean transposed, int row, int col) {
            return rounded[transposed ? col * tensor.cols() + row : row * tensor.cols() + col];
        }

        @Override
        public void close() {
            tensor.close();
        }
    }

    private static void check(
            Matrix a, boolean ta, Matrix b, boolean tb, double alpha, double beta, float[] before, Tensor c, int k) {
        float[] found = c.toFloats();
        for (int i = 0; i < c.rows(); i++) {
            for (int j = 0; j < c.cols(); j++) {
                double sum = 0;
                for (int l = 0; l < k; l++) {
                    sum += (double) a.at(ta, i, l) * b.at(tb, l, j);
                }
                int at = i * c.cols() + j;
                double expected = alpha * sum + beta * before[at];
                assertEquals(expected, found[at], 3e-6 * Math.sqrt(k) * (1 + Math.abs(expected)), "element " + at);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3})
    void operands_are_rounded_and_sums_are_not(int threads) {
        Random random = new Random(5);
        int[][] sizes = {{1, 1, 1}, {1, 700, 33}, {5, 9, 7}, {300, 40, 65}, {40, 300, 64}, {3, 2, 1001}, {64, 64, 8}};
        try (Workers workers = new Workers(threads)) {
            Bf16Engine engine = EmulatedBf16.backend(workers).matrices().bf16();
            assertTrue(engine != null);
            for (int[] s : sizes) {
                for (int kind = 0; kind < 4; kind++) {
                    boolean ta = (kind & 1) != 0;
                    boolean tb = (kind & 2) != 0;
                    double beta = random.nextInt(2);
                    try (Matrix a = ta ? Matrix.of(s[2], s[0], random) : Matrix.of(s[0], s[2], random);
                            Matrix b = tb ? Matrix.of(s[1], s[2], random) : Matrix.of(s[2], s[1], random);
                            Matrix c = Matrix.of(s[0], s[1], random)) {
                        float[] before = c.tensor.toFloats();
                        engine.gemm(ta, tb, 0.5, a.tensor, b.tensor, beta, c.tensor);
                        check(a, ta, b, tb, 0.5, beta, before, c.tensor, s[2]);
                        if (!ta) {
                            try (NativeBytes packed = b.packed()) {
                                c.tensor.set(before);
                                engine.gemm(a.tensor, tb, packed, beta, c.tensor);
                                check(a, false, b, tb, 1, beta, before, c.tensor, s[2]);
                            }
                        }
                    }
                }
            }
        }
    }

    @Test
    void an_inner_dimension_that_needs_much_memory_is_cut_and_threads_change_no_bit() {
        Random random = new Random(6);
        int m = 600;
        int n = 8;
        int k = 30_001; // 18 million numbers to round, in pieces
        float[][] results = new float[2][];
        try (Matrix a = Matrix.of(m, k, random);
                Matrix b = Matrix.of(k, n, random);
                NativeBytes packed = b.packed();
                Tensor c = Tensor.zeros(DType.F32, m, n)) {
            for (int i = 0; i < 2; i++) {
                try (Workers workers = new Workers(1 + 2 * i)) {
                    Bf16Engine engine = EmulatedBf16.backend(workers).matrices().bf16();
                    assertTrue(engine != null);
                    engine.gemm(a.tensor, false, packed, 0, c);
                    results[i] = c.toFloats();
                }
            }
            check(a, false, b, false, 1, 0, results[0], c, k);
        }
        assertArrayEquals(results[0], results[1]);
    }

    @Test
    void empty_products_and_wrong_dimensions() {
        try (Workers workers = new Workers(1);
                Tensor a = Tensor.zeros(DType.F32, 3, 4);
                Tensor none = Tensor.zeros(DType.F32, 0, 4);
                Tensor nothing = Tensor.zeros(DType.F32, 0, 2);
                Tensor c = Tensor.of(DType.F32, 3, 2, 1, 2, 3, 4, 5, 6);
                Tensor narrow = Tensor.zeros(DType.F32, 3, 0);
                Tensor flat = Tensor.zeros(DType.F32, 2, 0);
                Tensor twice = Tensor.zeros(DType.F64, 3, 4);
                NativeBytes b = new NativeBytes(16)) {
            Bf16Engine engine = EmulatedBf16.backend(workers).matrices().bf16();
            assertTrue(engine != null);
            engine.gemm(none, true, b, 0, nothing);
            engine.gemm(false, true, 1, narrow, flat, 1, c);
            assertArrayEquals(new float[] {1, 2, 3, 4, 5, 6}, c.toFloats());
            engine.gemm(false, true, 1, narrow, flat, 0, c);
            assertArrayEquals(new float[6], c.toFloats());
            assertThrows(BadInputException.class, () -> engine.gemm(a, false, b, 0, nothing));
            assertThrows(BadInputException.class, () -> engine.gemm(false, false, 1, a, c, 0, c));
            assertThrows(BadInputException.class, () -> engine.gemm(twice, true, b, 0, c));
        }
    }

    @Test
    void an_engine_without_a_library_has_none() {
        try (Workers workers = new Workers(1)) {
            assertNull(new HostMatrixEngine(workers, null).bf16());
        }
        assertNull(Backend.nd4j(DType.F64).matrices().bf16());
    }
}
