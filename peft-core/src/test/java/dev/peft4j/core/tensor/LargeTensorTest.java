package dev.peft4j.core.tensor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Tensors above 2 GiB, of which few pages are ever touched. */
class LargeTensorTest {
    private static final int COLS = 1000;

    @ParameterizedTest
    @EnumSource(DType.class)
    void rows_behind_two_gib_are_read_and_written(DType dtype) {
        int rows = Math.toIntExact((5L << 30) / dtype.bytes() / COLS / 2);
        try (Tensor t = Tensor.allocate(dtype, rows, COLS);
                Tensor small = Tensor.allocate(dtype, 3, COLS)) {
            int atGib = Math.toIntExact((1L << 30) / dtype.bytes() / COLS); // the row that lies on both sides of it
            for (int r : new int[] {0, atGib, atGib * 2, atGib * 2 + 1, rows - 3}) {
                double[] values = new double[3 * COLS];
                for (int i = 0; i < values.length; i++) {
                    values[i] = r + i;
                }
                Tensor part = t.rows(r, 3);
                part.set(values);
                assertArrayEquals(values, part.toDoubles());
                small.copyFrom(part);
                assertArrayEquals(values, small.toDoubles());
                small.fill(-1);
                part.columns(5, 7).copyFrom(small.columns(5, 7));
                assertEquals(r + 4, t.get(r, 4));
                assertEquals(-1, t.get(r, 11));
                assertEquals(r + 12, t.get(r, 12));
            }
        }
    }

    @Test
    void products_and_lookups_reach_behind_two_gib() {
        int rows = 600_000;
        Backend host = Backend.host();
        try (Tensor w = Tensor.allocate(DType.F32, rows, COLS);
                Tensor x = Tensor.zeros(DType.F32, 2, COLS);
                Tensor y = Tensor.zeros(DType.F32, 2, 4);
                Tensor found = Tensor.zeros(DType.F32, 1, COLS)) {
            Tensor last = w.rows(rows - 4, 4);
            last.fill(0);
            last.set(3, COLS - 1, 2);
            x.set(1, COLS - 1, 21);
            host.matrices().gemm(false, true, 1, x, last, 0, y);
            assertArrayEquals(new float[] {0, 0, 0, 0, 0, 0, 0, 42}, y.toFloats());
            host.kernels().gather(new int[] {rows - 1}, w, found);
            assertEquals(2, found.get(0, COLS - 1));
            assertEquals(0, found.get(0, 0));
        }
    }

    @Test
    void bytes_of_large_memory() {
        try (NativeBytes bytes = new NativeBytes(3L << 30)) {
            byte[] some = {1, 2, 3, 4};
            byte[] back = new byte[4];
            for (long at : new long[] {0, (1L << 30) - 2, (2L << 30) - 2, bytes.size() - 4}) {
                bytes.write(at, some, 4);
                bytes.read(at, back, 4);
                assertArrayEquals(some, back);
            }
            int[] numbers = {7, 8};
            int[] read = new int[2];
            for (long index : new long[] {0, (1L << 28) - 1, (1L << 29) - 1, (bytes.size() >> 2) - 2}) {
                bytes.write(index, numbers, 2);
                bytes.read(index, read, 2);
                assertArrayEquals(numbers, read);
            }
        }
    }
}
